// Standard input, output and error, and whom standard error goes to.
#ifndef BATCHSWEEP_PLATFORM_TERMINAL_H_
#define BATCHSWEEP_PLATFORM_TERMINAL_H_

#include <string_view>

namespace batchsweep {

// Whoever starts the program may have closed these streams, or close their
// other ends. From now on reading and writing such a one fails and does no
// more: no file that is opened gets a closed one's number, and with it the text
// that was meant for it, and no signal ends the program for a pipe that nobody
// reads. Call it before any file is opened.
void KeepStandardStreams();

// Whether standard error is a terminal that can redraw a line.
bool StderrIsTerminal();

// Its width in characters; 80 where it does not tell.
int StderrColumns();

// Writes `text` to standard error, as far as that works: what cannot be written
// is lost. A file or pipe takes it in its own time. A terminal that takes none,
// being stopped (Ctrl-S) or at the end of a network that is down, loses it
// after `wait_ms`.
void WriteToStderr(std::string_view text, int wait_ms);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_TERMINAL_H_

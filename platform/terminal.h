// Whom standard error goes to.
#ifndef BATCHSWEEP_PLATFORM_TERMINAL_H_
#define BATCHSWEEP_PLATFORM_TERMINAL_H_

namespace batchsweep {

// Whether standard error is a terminal that can redraw a line.
bool StderrIsTerminal();

// Its width in characters; 80 where it does not tell.
int StderrColumns();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_TERMINAL_H_

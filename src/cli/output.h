// All that the program says. A reader may go away, a disk fill up, a terminal
// close or stop taking text: nothing here throws, ends the program or waits for
// a terminal, and a run goes on. Control characters are shown escaped, as
// Escaped() does it, whatever names and messages hold.
#ifndef BATCHSWEEP_CLI_OUTPUT_H_
#define BATCHSWEEP_CLI_OUTPUT_H_

#include <format>
#include <string_view>
#include <utility>

#include "platform/error.h"

namespace batchsweep {

// Puts `text`, of any number of lines, on standard output: what a command was
// asked for. Whether it got there is FlushOutput()'s to say.
void WriteOutput(std::string_view text);
template <class... Args>
void PrintOutput(std::format_string<Args...> format, Args&&... args) {
  WriteOutput(std::format(format, std::forward<Args>(args)...));
}

// An error if any of the output could not be written.
Status FlushOutput();

// Puts a line on standard error: progress, a warning, an error. What `line`
// holds is one line there, whatever is in it. Lost if it cannot be written.
void WriteMessage(std::string_view line);
template <class... Args>
void PrintMessage(std::format_string<Args...> format, Args&&... args) {
  WriteMessage(std::format(format, std::forward<Args>(args)...));
}

// As many messages as `text` has lines.
void WriteMessages(std::string_view text);

// Puts `line` in place of the one that was drawn last. REQUIRES: standard error
// is a terminal.
void RedrawMessage(std::string_view line);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_OUTPUT_H_

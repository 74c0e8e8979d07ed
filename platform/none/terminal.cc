// Standard error is a file or a line to somewhere.
#include "platform/terminal.h"

#include <cstdio>

namespace batchsweep {

void KeepStandardStreams() {}

bool StderrIsTerminal() { return false; }

int StderrColumns() { return 80; }

void WriteToStderr(std::string_view text, int) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace batchsweep

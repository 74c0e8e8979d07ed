#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "cli/text.h"
#include "platform/terminal.h"

namespace batchsweep {
namespace {

// The reason of the first failure; 0: there was none. A later write may
// succeed, on a disk that has room again, and what is missing is missing all
// the same.
int output_errno = 0;

void RememberFailure(bool succeeded) {
  if (!succeeded && output_errno == 0) output_errno = errno;
}

// A message of a slow serial line may have to wait for the one before it. A
// terminal that has stopped costs a run this much for each.
constexpr int kMessageWaitMs = 1000;

std::string WithLinesEscaped(std::string_view text) {
  std::string escaped;
  while (true) {
    const size_t end = text.find('\n');
    escaped += Escaped(text.substr(0, end));
    if (end == std::string_view::npos) return escaped;
    escaped += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void WriteOutput(std::string_view text) {
  const std::string escaped = WithLinesEscaped(text);
  // std::print would throw where this only fails.
  const size_t written = std::fwrite(escaped.data(), 1, escaped.size(), stdout);
  RememberFailure(written == escaped.size());
}

Status FlushOutput() {
  RememberFailure(std::fflush(stdout) == 0);
  if (output_errno == 0) return {};
  return Fail("cannot write to standard output: {}; the output is not whole",
              std::strerror(output_errno));
}

void WriteMessage(std::string_view line) {
  WriteToStderr(Escaped(line) + "\n", kMessageWaitMs);
}

void WriteMessages(std::string_view text) {
  WriteToStderr(WithLinesEscaped(text), kMessageWaitMs);
}

void RedrawMessage(std::string_view line) {
  // The next one is soon there if this is lost.
  WriteToStderr("\r\x1b[K" + Escaped(line), /*wait_ms=*/0);
}

}  // namespace batchsweep

#include "platform/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace batchsweep {
namespace {

// A terminal says that it takes text as long as there is room for any. Linux
// has it in parts of 256 bytes or more; shorter ones find room for all of them.
constexpr size_t kTerminalPart = 128;

bool TerminalTakesText(int wait_ms) {
  pollfd terminal = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  return poll(&terminal, 1, wait_ms) == 1;
}

}  // namespace

void KeepStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // It gets the least number that is free, which is fd. For the other
    // direction, so that its use fails as that of a closed one does.
    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  signal(SIGPIPE, SIG_IGN);
}

bool StderrIsTerminal() {
  const char* type = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && type != nullptr &&
         std::string_view(type) != "dumb";
}

int StderrColumns() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

void WriteToStderr(std::string_view text, int wait_ms) {
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  while (!text.empty()) {
    if (is_terminal && !TerminalTakesText(wait_ms)) return;
    const size_t part =
        is_terminal ? std::min(text.size(), kTerminalPart) : text.size();
    const ssize_t written = write(STDERR_FILENO, text.data(), part);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace batchsweep

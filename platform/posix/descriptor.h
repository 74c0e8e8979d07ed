// What the files and folders of POSIX have in common.
#ifndef BATCHSWEEP_PLATFORM_POSIX_DESCRIPTOR_H_
#define BATCHSWEEP_PLATFORM_POSIX_DESCRIPTOR_H_

#include <cerrno>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string_view>
#include <utility>

#include "platform/error.h"

namespace batchsweep::posix {

// errno as an Error: "cannot read /a/b: Input/output error".
std::unexpected<Error> ErrnoFailure(std::string_view verb,
                                    const std::filesystem::path& path);

// The folder that has `path` in it.
std::filesystem::path ParentOf(const std::filesystem::path& path);

// Calls again what a signal interrupted.
template <class Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// A descriptor that is closed when the scope is left. A failing close leaves
// errno as it was: the failure before it is the one to report.
class ScopedFd {
 public:
  // Opens with these flags; -1, with errno set, if that fails.
  ScopedFd(const std::filesystem::path& path, int flags);
  ~ScopedFd();
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Writes all of `bytes` at `offset`. False, with errno set, if it cannot.
bool WriteAll(int fd, std::string_view bytes, int64_t offset);

// Waits until the descriptor's file is on the disk. False, with errno set, if
// it cannot be.
bool Sync(int fd);

}  // namespace batchsweep::posix

#endif  // BATCHSWEEP_PLATFORM_POSIX_DESCRIPTOR_H_

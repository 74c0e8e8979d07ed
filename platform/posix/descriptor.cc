#define _FILE_OFFSET_BITS 64

#include "platform/posix/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>

namespace batchsweep::posix {

std::unexpected<Error> ErrnoFailure(std::string_view verb,
                                    const std::filesystem::path& path) {
  const int error = errno;
  return Fail("cannot {} {}: {}", verb, path.string(),
              std::generic_category().message(error));
}

std::filesystem::path ParentOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

ScopedFd::ScopedFd(const std::filesystem::path& path, int flags)
    : fd_(Retry(
          [&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); })) {}

ScopedFd::~ScopedFd() {
  const int error = errno;
  if (fd_ >= 0) ::close(fd_);
  errno = error;
}

bool WriteAll(int fd, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = Retry([&] {
      return ::pwrite(fd, bytes.data(), bytes.size(),
                      static_cast<off_t>(offset));
    });
    if (count == 0) errno = EIO;  // would go round for ever
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += count;
  }
  return true;
}

bool Sync(int fd) {
  return Retry([&] { return ::fsync(fd); }) == 0;
}

}  // namespace batchsweep::posix

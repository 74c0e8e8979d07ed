// 32-bit targets: a file with a large size or inode number opens all the same.
#define _FILE_OFFSET_BITS 64

#include "platform/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>
#include <utility>

#include "platform/posix/descriptor.h"

namespace batchsweep {

namespace fs = std::filesystem;
using posix::ErrnoFailure;
using posix::ScopedFd;

Result<AppendFile> AppendFile::Create(const fs::path& path) {
  ScopedFd file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) return ErrnoFailure("create", path);
  return AppendFile(path, file.Release(), 0);
}

Result<AppendFile> AppendFile::Resume(const fs::path& path,
                                      int64_t size_bytes) {
  ScopedFd file(path, O_WRONLY | O_NOFOLLOW);
  struct stat info;
  if (!file.is_open() || ::fstat(file.get(), &info) != 0) {
    return ErrnoFailure("go on with", path);
  }
  if (info.st_size < size_bytes) {
    return Fail("cannot go on with {}: expected at least {} bytes, found {}",
                path.string(), size_bytes, info.st_size);
  }
  if (::ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) {
    return ErrnoFailure("cut off the end of", path);
  }
  return AppendFile(path, file.Release(), size_bytes);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  path_ = std::move(other.path_);
  fd_ = std::exchange(other.fd_, -1);
  size_bytes_ = other.size_bytes_;
  return *this;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status AppendFile::Append(std::string_view bytes) {
  if (posix::WriteAll(fd_, bytes, size_bytes_)) {
    size_bytes_ += static_cast<int64_t>(bytes.size());
    return {};
  }
  auto failure = ErrnoFailure("append to", path_);
  if (::ftruncate(fd_, static_cast<off_t>(size_bytes_)) != 0) {
    failure.error().message +=
        std::format("; what stands behind byte {} is not whole", size_bytes_);
  }
  return failure;
}

Status AppendFile::Sync() {
  if (!posix::Sync(fd_)) return ErrnoFailure("sync", path_);
  return {};
}

}  // namespace batchsweep

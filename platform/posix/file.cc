// 32-bit targets: a file with a large size or inode number opens all the same.
#define _FILE_OFFSET_BITS 64

#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadChunkBytes = 64 * 1024;

// errno as an Error: "cannot read /a/b: Input/output error".
std::unexpected<Error> ErrnoFailure(std::string_view verb,
                                    const fs::path& path) {
  const int error = errno;
  return Fail("cannot {} {}: {}", verb, path.string(),
              std::generic_category().message(error));
}

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
  ScopedFd(const fs::path& path, int flags)
      : fd_(Retry(
            [&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); })) {}
  ~ScopedFd() {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    errno = error;
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Writes all of `bytes` at `offset`. False, with errno set, if it cannot.
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

bool WriteAndSync(const fs::path& path, std::string_view contents) {
  const ScopedFd file(path, O_WRONLY | O_CREAT | O_TRUNC);
  return file.is_open() && WriteAll(file.get(), contents, 0) &&
         Sync(file.get());
}

// Reads until the end, since files in /proc and /sys have no true size.
Result<std::string> ReadToEnd(int fd, const fs::path& path, size_t size_hint) {
  std::string contents(size_hint + 1, '\0');
  size_t size = 0;
  while (true) {
    const ssize_t count = Retry([&] {
      return ::read(fd, contents.data() + size, contents.size() - size);
    });
    if (count < 0) return ErrnoFailure("read", path);
    if (count == 0) break;
    size += static_cast<size_t>(count);
    if (size == contents.size()) {
      contents.resize(size + std::max(size, kReadChunkBytes));
    }
  }
  contents.resize(size);
  return contents;
}

}  // namespace

Result<std::string> ReadFile(const fs::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const ScopedFd file(path, O_RDONLY | O_NONBLOCK);
  struct stat info;
  if (!file.is_open() || ::fstat(file.get(), &info) != 0) {
    return ErrnoFailure("read", path);
  }
  if (!S_ISREG(info.st_mode)) {
    return Fail("cannot read {}: expected a regular file, found a {}",
                path.string(),
                S_ISDIR(info.st_mode) ? "folder" : "device or pipe");
  }
  try {
    return ReadToEnd(file.get(), path, static_cast<size_t>(info.st_size));
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  return Fail("cannot read {}: its {} bytes do not fit into memory",
              path.string(), info.st_size);
}

Status WriteFileAtomically(const fs::path& path, std::string_view contents) {
  fs::path temporary = path;
  temporary += ".tmp";
  if (!WriteAndSync(temporary, contents)) {
    auto failure = ErrnoFailure("write", temporary);
    ::unlink(temporary.c_str());
    return failure;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = ErrnoFailure("replace", path);
    ::unlink(temporary.c_str());
    return failure;
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const ScopedFd handle(folder, O_RDONLY | O_DIRECTORY);
  // EINVAL: this file system cannot sync folders, so there is nothing to do.
  if (!handle.is_open() || (!Sync(handle.get()) && errno != EINVAL)) {
    return ErrnoFailure("sync", folder);
  }
  return {};
}

Status MakeWritableFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    if (fs::exists(path, ignored)) {
      return Fail("{} is a file, expected a folder; name another folder",
                  path.string());
    }
    return Fail("cannot make the folder {}: {}; name another folder",
                path.string(), error.message());
  }
  // A byte in it, since a full disk may still have room for an empty file.
  const fs::path probe = path / ".write-probe";
  if (!WriteAndSync(probe, "?")) {
    auto failure = ErrnoFailure("write to the folder", path);
    failure.error().message += "; name another folder";
    ::unlink(probe.c_str());
    return failure;
  }
  ::unlink(probe.c_str());
  return {};
}

Result<AppendFile> AppendFile::Create(const fs::path& path) {
  ScopedFd file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) return ErrnoFailure("create", path);
  return AppendFile(path, file.Release(), 0);
}

Result<AppendFile> AppendFile::Resume(const fs::path& path,
                                      int64_t size_bytes) {
  ScopedFd file(path, O_WRONLY);
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
  if (WriteAll(fd_, bytes, size_bytes_)) {
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
  if (!batchsweep::Sync(fd_)) return ErrnoFailure("sync", path_);
  return {};
}

}  // namespace batchsweep

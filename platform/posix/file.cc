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

#include "platform/folder.h"
#include "platform/posix/descriptor.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

using posix::ErrnoFailure;
using posix::Retry;
using posix::ScopedFd;

constexpr size_t kReadChunkBytes = 64 * 1024;

fs::path TemporaryOf(fs::path path) {
  path += ".tmp";
  return path;
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

Status VisitFile(const fs::path& path, int64_t size_bytes,
                 const std::function<void(std::string_view)>& visit) {
  const ScopedFd file(path, O_RDONLY | O_NONBLOCK);
  if (!file.is_open()) return ErrnoFailure("read", path);
  std::string chunk(kReadChunkBytes, '\0');
  for (int64_t done = 0; done < size_bytes;) {
    const auto wanted = static_cast<size_t>(
        std::min<int64_t>(size_bytes - done, std::ssize(chunk)));
    const ssize_t count =
        Retry([&] { return ::read(file.get(), chunk.data(), wanted); });
    if (count < 0) return ErrnoFailure("read", path);
    if (count == 0) {
      return Fail("{}: holds {} bytes, expected at least {}", path.string(),
                  done, size_bytes);
    }
    visit(std::string_view(chunk).substr(0, static_cast<size_t>(count)));
    done += count;
  }
  return {};
}

Result<int64_t> FileBytes(const fs::path& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return ErrnoFailure("read", path);
  if (S_ISREG(info.st_mode)) return int64_t{info.st_size};
  return Fail("cannot read {}: expected a regular file", path.string());
}

Result<FileWriter> FileWriter::Create(const fs::path& path) {
  // A .tmp that a crash left is ours to replace; through a link to elsewhere
  // nothing is written.
  const fs::path temporary = TemporaryOf(path);
  ScopedFd file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  if (!file.is_open()) return ErrnoFailure("write", temporary);
  return FileWriter(path, file.Release());
}

FileWriter::FileWriter(fs::path path, int fd)
    : path_(std::move(path)), fd_(fd) {}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_) {}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(TemporaryOf(path_).c_str());
}

Status FileWriter::Write(std::string_view bytes) {
  if (!posix::WriteAll(fd_, bytes, size_bytes_)) {
    return ErrnoFailure("write", TemporaryOf(path_));
  }
  size_bytes_ += static_cast<int64_t>(bytes.size());
  return {};
}

Status FileWriter::Commit() {
  const fs::path temporary = TemporaryOf(path_);
  if (!posix::Sync(fd_)) return ErrnoFailure("write", temporary);
  if (::rename(temporary.c_str(), path_.c_str()) != 0) {
    return ErrnoFailure("replace", path_);
  }
  ::close(std::exchange(fd_, -1));
  return SyncFolder(posix::ParentOf(path_));
}

Status WriteFileAtomically(const fs::path& path, std::string_view contents) {
  ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Create(path));
  RETURN_IF_ERROR(writer.Write(contents));
  return writer.Commit();
}

}  // namespace batchsweep

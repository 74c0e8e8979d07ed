#define _FILE_OFFSET_BITS 64

#include "platform/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <format>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "platform/posix/descriptor.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;
using posix::ErrnoFailure;
using posix::ParentOf;
using posix::Retry;
using posix::ScopedFd;

constexpr const char* kLockFile = "batchsweep.lock";
// What a signed lock file begins with.
constexpr std::string_view kSignature = "batchsweep: ";
// Names the lock's descriptor to the program that this one begins anew.
constexpr const char* kLockVariable = "BATCHSWEEP_LOCK_DESCRIPTOR";

// A byte in a file of its own, since a full disk may still have room for an
// empty one. O_EXCL: nobody's file is written over.
bool CanWriteTo(const fs::path& folder) {
  const fs::path probe =
      folder / std::format(".batchsweep-probe-{}", ::getpid());
  const ScopedFd file(probe, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) return false;
  const bool written =
      posix::WriteAll(file.get(), "?", 0) && posix::Sync(file.get());
  const int error = errno;
  ::unlink(probe.c_str());
  errno = error;
  return written;
}

// A folder's name is on the disk once the folder that holds it is synced.
Status MakeMissingFolders(const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return {};
  RETURN_IF_ERROR(MakeMissingFolders(path.parent_path()));
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    auto failure = ErrnoFailure("make the folder", path);
    failure.error().message += "; name another folder";
    return failure;
  }
  return SyncFolder(ParentOf(path));
}

// The descriptor that the program before this one left open for it, if it is
// that of `lock`; else -1.
int InheritedDescriptor(const struct stat& lock) {
  const char* const text = std::getenv(kLockVariable);
  if (text == nullptr) return -1;
  const std::string_view digits = text;
  int fd = -1;
  std::from_chars(digits.begin(), digits.end(), fd);
  struct stat info;
  const bool same = fd > STDERR_FILENO && ::fstat(fd, &info) == 0 &&
                    info.st_dev == lock.st_dev && info.st_ino == lock.st_ino;
  return same ? fd : -1;
}

std::string ReadSignature(int fd) {
  std::array<char, 512> text;
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  return {text.data(), static_cast<size_t>(std::max<ssize_t>(count, 0))};
}

std::string HostName() {
  std::array<char, 256> name = {};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

// "process 12 on host pi4", as it stands in a signature; one that is not there
// any more cannot be who has the lock, but whoever has it did not sign yet.
std::string HolderIn(std::string_view signature) {
  constexpr const char* kUnknown = "another process";
  if (!signature.starts_with(kSignature)) return kUnknown;
  signature.remove_prefix(kSignature.size());
  signature = signature.substr(0, signature.find('\n'));
  int process = 0;
  std::array<char, 256> host = {};
  const std::string text(signature);
  if (std::sscanf(text.c_str(), "process %d on host %255s", &process,
                  host.data()) != 2) {
    return kUnknown;
  }
  const bool is_gone =
      host.data() == HostName() && ::kill(process, 0) != 0 && errno == ESRCH;
  return is_gone ? kUnknown : text;
}

}  // namespace

Status MakeWritableFolder(const fs::path& path) {
  // Without the slash that may stand at its end.
  const fs::path folder = path.has_filename() ? path : path.parent_path();
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) {
    return Fail("{} is a file, expected a folder; name another folder",
                folder.string());
  }
  RETURN_IF_ERROR(MakeMissingFolders(folder));
  if (CanWriteTo(folder)) return {};
  auto failure = ErrnoFailure("write to the folder", folder);
  failure.error().message += "; name another folder";
  return failure;
}

Status MakeFolder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return SyncFolder(ParentOf(path));
  const int error = errno;
  struct stat info;
  if (error == EEXIST && ::lstat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return Fail("{} is a {}, expected a folder; move it away", path.string(),
                S_ISLNK(info.st_mode) ? "symbolic link" : "file");
  }
  errno = error;
  return ErrnoFailure("make the folder", path);
}

Status SyncFolder(const fs::path& path) {
  const ScopedFd handle(path, O_RDONLY | O_DIRECTORY);
  // EINVAL: this file system cannot sync folders, so there is nothing to do.
  if (!handle.is_open() || (!posix::Sync(handle.get()) && errno != EINVAL)) {
    return ErrnoFailure("sync", path);
  }
  return {};
}

Result<FolderLock> FolderLock::Take(const fs::path& folder) {
  FolderLock lock(folder / kLockFile);
  lock.fd_ = Retry([&] {
    return ::open(lock.file_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
  });
  struct stat info;
  if (lock.fd_ < 0 || ::fstat(lock.fd_, &info) != 0) {
    return ErrnoFailure("lock", lock.file_);
  }
  if (const int inherited = InheritedDescriptor(info); inherited >= 0) {
    ::close(std::exchange(lock.fd_, inherited));
  }
  if (Retry([&] { return ::flock(lock.fd_, LOCK_EX | LOCK_NB); }) == 0) {
    lock.keeps_others_out_ = true;
  } else if (errno == EWOULDBLOCK) {
    return Fail(
        "{}: {} is writing to this folder; wait for its end or name another "
        "folder with --out",
        folder.string(), HolderIn(ReadSignature(lock.fd_)));
  }
  const std::string signature = ReadSignature(lock.fd_);
  lock.signed_ = signature.starts_with(kSignature);
  if (!lock.signed_ && !signature.empty()) {
    return Fail("{}: is no lock of batchsweep; name another folder with --out",
                lock.file_.string());
  }
  // At once, so that nobody is told of an earlier holder.
  if (lock.signed_) RETURN_IF_ERROR(lock.Sign());
  // The program that RestartProgram() begins finds it by this.
  ::setenv(kLockVariable, std::to_string(lock.fd_).c_str(), /*replace=*/1);
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : file_(std::move(other.file_)),
      fd_(std::exchange(other.fd_, -1)),
      keeps_others_out_(other.keeps_others_out_),
      signed_(other.signed_) {}

FolderLock::~FolderLock() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unsetenv(kLockVariable);
}

Status FolderLock::Sign() {
  const std::string text = std::format("{}process {} on host {}\n", kSignature,
                                       ::getpid(), HostName());
  if (!posix::WriteAll(fd_, text, 0) ||
      ::ftruncate(fd_, static_cast<off_t>(text.size())) != 0 ||
      !posix::Sync(fd_)) {
    return ErrnoFailure("write", file_);
  }
  RETURN_IF_ERROR(SyncFolder(ParentOf(file_)));
  signed_ = true;
  return {};
}

}  // namespace batchsweep

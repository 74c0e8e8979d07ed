// Whole files in, whole files out, and one that only grows. Every function
// blocks; none is called inside a training step.
#ifndef BATCHSWEEP_PLATFORM_FILE_H_
#define BATCHSWEEP_PLATFORM_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "platform/error.h"

namespace batchsweep {

// The bytes of a regular file. Errors name the path and the reason.
Result<std::string> ReadFile(const std::filesystem::path& path);

// Replaces `path` as a whole: writes `path`.tmp, fsyncs it, renames it, fsyncs
// the folder. After an error or a power cut there is the old file or the whole
// new one.
Status WriteFileAtomically(const std::filesystem::path& path,
                           std::string_view contents);

// Creates `path` and its parents. An existing folder is no error; one that
// cannot be written to is.
Status MakeWritableFolder(const std::filesystem::path& path);

// A file that is only appended to.
// Invariant: what an Append() that returned success wrote is handed to the
// kernel whole; a failed one is cut off again, so the file never ends in half
// a row.
class AppendFile {
 public:
  // Starts an empty file, replacing an existing one.
  static Result<AppendFile> Create(const std::filesystem::path& path);
  // Goes on after `size_bytes`; what stands behind it is cut off.
  // REQUIRES: the file has at least that many bytes.
  static Result<AppendFile> Resume(const std::filesystem::path& path,
                                   int64_t size_bytes);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  Status Append(std::string_view bytes);
  // Waits until everything appended is on the disk.
  Status Sync();
  int64_t size_bytes() const { return size_bytes_; }

 private:
  AppendFile(std::filesystem::path path, int fd, int64_t size_bytes)
      : path_(std::move(path)), fd_(fd), size_bytes_(size_bytes) {}

  std::filesystem::path path_;
  // The platform's handle; -1 once moved from.
  [[maybe_unused]] int fd_ = -1;
  int64_t size_bytes_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_FILE_H_

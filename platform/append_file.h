// A file that only grows. Every function blocks; none is called inside a
// training step.
#ifndef BATCHSWEEP_PLATFORM_APPEND_FILE_H_
#define BATCHSWEEP_PLATFORM_APPEND_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "platform/error.h"

namespace batchsweep {

// Invariant: what an Append() that returned success wrote is handed to the
// kernel whole; a failed one is cut off again, so the file never ends in half
// a row.
class AppendFile {
 public:
  // Makes an empty file. An error if there is anything by that name.
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
  // Waits until everything appended is on the disk. Of a new file that is so
  // for its name too only after SyncFolder().
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

#endif  // BATCHSWEEP_PLATFORM_APPEND_FILE_H_

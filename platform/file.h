// Whole files in, whole files out. Every function blocks; none is called inside
// a training step. What is written outlives a power cut as soon as the function
// returns, and never through a symbolic link in the file's place: a link is
// replaced or refused, and what it points to stays as it is.
#ifndef BATCHSWEEP_PLATFORM_FILE_H_
#define BATCHSWEEP_PLATFORM_FILE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "platform/error.h"

namespace batchsweep {

// The bytes of a regular file. Errors name the path and the reason.
Result<std::string> ReadFile(const std::filesystem::path& path);

// Calls `visit` with the first `size_bytes` of a regular file, in order and in
// pieces of at most 64 KiB. An error names the path: it cannot be read or is
// shorter.
Status VisitFile(const std::filesystem::path& path, int64_t size_bytes,
                 const std::function<void(std::string_view)>& visit);

// Bytes of a regular file; an error names the path and the reason.
Result<int64_t> FileBytes(const std::filesystem::path& path);

// A file that replaces `path` as a whole: it is written beside it, as
// `path`.tmp, which is gone again if it was not committed.
// Invariant: after an error, a crash or a power cut there is the old file or
// the whole new one.
class FileWriter {
 public:
  static Result<FileWriter> Create(const std::filesystem::path& path);

  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&& other) = delete;
  ~FileWriter();

  Status Write(std::string_view bytes);
  // Syncs what was written, puts it in the place of `path` and syncs the
  // folder. REQUIRES: every Write() succeeded. Nothing is written afterwards.
  Status Commit();

 private:
  FileWriter(std::filesystem::path path, int fd);

  std::filesystem::path path_;
  [[maybe_unused]] int fd_ = -1;  // the platform's handle; -1 once it is closed
  int64_t size_bytes_ = 0;
};

// FileWriter for contents that are in memory.
Status WriteFileAtomically(const std::filesystem::path& path,
                           std::string_view contents);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_FILE_H_

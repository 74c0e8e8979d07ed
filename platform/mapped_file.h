// A part of a file as memory, for data that may be larger than RAM: the system
// reads a page when it is touched first, and may take it back at any time.
#ifndef BATCHSWEEP_PLATFORM_MAPPED_FILE_H_
#define BATCHSWEEP_PLATFORM_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "platform/error.h"

namespace batchsweep {

// Who maps a file must not fear for its end: touching a page that the file has
// lost since ends the process with exit code 1 and one line on standard error
// that names the file. (The system's answer is the signal SIGBUS. It is caught
// rather than avoided by copies, because every read in a step would have to be
// one.) What was recorded until then is as after a kill, so the run can be gone
// on with.
class MappedFile {
 public:
  // Maps `size_bytes` bytes from `offset` on, whatever that is, and nothing
  // more of the file than the pages that these lie in. An error if the file is
  // shorter, or the address space has no room for them. REQUIRES: offset >= 0;
  // size_bytes > 0.
  static Result<std::shared_ptr<const MappedFile>> Map(
      const std::filesystem::path& path, int64_t offset, int64_t size_bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Nothing behind the last of them may be read.
  std::span<const std::byte> bytes() const { return bytes_; }
  // False where the platform cannot map, so that the bytes are a copy in RAM.
  bool is_mapped() const;

  // An error if the file is shorter than it was: what was read of its last page
  // may then have been zeros.
  Status CheckLength() const;

  // Gives back all pages: this process holds none of them until it touches them
  // again. They stay in the system's cache while it has room for them. Takes
  // some 15 ns for each page that was held. Errors as CheckLength().
  Status DropPages() const;

  // Touches every page, so that none has to be looked up later.
  void TouchPages() const;

 private:
  struct Mapping;
  explicit MappedFile(std::unique_ptr<Mapping> mapping);

  std::unique_ptr<Mapping> mapping_;
  std::span<const std::byte> bytes_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_MAPPED_FILE_H_

// Folders that outlive a power cut, and the right to write to one.
#ifndef BATCHSWEEP_PLATFORM_FOLDER_H_
#define BATCHSWEEP_PLATFORM_FOLDER_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "platform/error.h"

namespace batchsweep {

// Creates `path` and its parents. An existing folder is no error; one that
// cannot be written to is.
Status MakeWritableFolder(const std::filesystem::path& path);

// Creates the one folder `path` in another that exists. One that is there
// already is no error; a symbolic link or a file in its place is.
Status MakeFolder(const std::filesystem::path& path);

// Waits until the names of what was made and removed in `path` are on the disk.
Status SyncFolder(const std::filesystem::path& path);

// The sole right to write to a folder, kept in its file batchsweep.lock, which
// stays there. It ends with this object, however the process ends; children
// made meanwhile share it, and so does the program that RestartProgram() begins
// as soon as it takes it again.
class FolderLock {
 public:
  // Does not wait: an error names who has it, as far as that is known.
  // REQUIRES: `folder` exists.
  static Result<FolderLock> Take(const std::filesystem::path& folder);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) = delete;
  ~FolderLock();

  // False where this file system has no locks: nothing keeps others out then.
  bool keeps_others_out() const { return keeps_others_out_; }
  // Whether the folder is signed, now or by an earlier holder.
  bool is_signed() const { return signed_; }
  // Writes who has the lock, for those who are refused. Afterwards the folder
  // is known as one that was begun here. An error leaves it unsigned.
  Status Sign();

 private:
  explicit FolderLock(std::filesystem::path file) : file_(std::move(file)) {}

  std::filesystem::path file_;
  [[maybe_unused]] int fd_ = -1;  // the platform's handle; -1 once moved from
  bool keeps_others_out_ = false;
  bool signed_ = false;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_FOLDER_H_

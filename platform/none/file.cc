// Reading and folders by the C++ library, which cannot promise that anything
// written outlives a power cut: so nothing that has to is written.
#include "platform/file.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "platform/append_file.h"
#include "platform/folder.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> NotDurable(const fs::path& path) {
  return Fail(
      "cannot write {}: files that outlive a power cut are not there on this "
      "platform",
      path.string());
}

}  // namespace

Result<std::string> ReadFile(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return Fail("cannot read {}: {}", path.string(),
                error ? error.message() : "expected a regular file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail("cannot read {}: it does not open", path.string());
  try {
    std::string contents(std::istreambuf_iterator<char>(file), {});
    if (!file.bad()) return contents;
  } catch (const std::bad_alloc&) {
    return Fail("cannot read {}: it does not fit into memory", path.string());
  } catch (const std::length_error&) {
    return Fail("cannot read {}: it does not fit into memory", path.string());
  }
  return Fail("cannot read {}: it ends too soon", path.string());
}

Status VisitFile(const fs::path& path, int64_t size_bytes,
                 const std::function<void(std::string_view)>& visit) {
  ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
  if (std::ssize(contents) < size_bytes) {
    return Fail("{}: holds {} bytes, expected at least {}", path.string(),
                contents.size(), size_bytes);
  }
  visit(std::string_view(contents).substr(0, static_cast<size_t>(size_bytes)));
  return {};
}

Result<int64_t> FileBytes(const fs::path& path) {
  std::error_code error;
  const auto size_bytes = fs::file_size(path, error);
  if (!error) return static_cast<int64_t>(size_bytes);
  return Fail("cannot read {}: {}", path.string(), error.message());
}

Result<FileWriter> FileWriter::Create(const fs::path& path) {
  return NotDurable(path);
}

// There is none to move or write to, since none can be made.
FileWriter::FileWriter(FileWriter&& other) noexcept = default;
FileWriter::~FileWriter() = default;
Status FileWriter::Write(std::string_view) { return NotDurable(path_); }
Status FileWriter::Commit() { return NotDurable(path_); }

Status WriteFileAtomically(const fs::path& path, std::string_view) {
  return NotDurable(path);
}

Status MakeWritableFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    return Fail("cannot make the folder {}: {}; name another folder",
                path.string(), error ? error.message() : "it is a file");
  }
  const fs::path probe = path / ".write-probe";
  const bool writable =
      (std::ofstream(probe, std::ios::binary) << '?').flush().good();
  fs::remove(probe, ignored);
  if (writable) return {};
  return Fail("cannot write to the folder {}; name another folder",
              path.string());
}

Status MakeFolder(const fs::path& path) { return NotDurable(path); }
Status SyncFolder(const fs::path& path) { return NotDurable(path); }

Result<FolderLock> FolderLock::Take(const fs::path& folder) {
  return NotDurable(folder);
}

FolderLock::FolderLock(FolderLock&& other) noexcept = default;
FolderLock::~FolderLock() = default;
Status FolderLock::Sign() { return NotDurable(file_); }

Result<AppendFile> AppendFile::Create(const fs::path& path) {
  return NotDurable(path);
}

Result<AppendFile> AppendFile::Resume(const fs::path& path, int64_t) {
  return NotDurable(path);
}

// There is none to move or append to, since none can be made.
AppendFile::AppendFile(AppendFile&& other) noexcept = default;
AppendFile& AppendFile::operator=(AppendFile&& other) noexcept = default;
AppendFile::~AppendFile() = default;

Status AppendFile::Append(std::string_view) { return NotDurable(path_); }

Status AppendFile::Sync() { return NotDurable(path_); }

}  // namespace batchsweep

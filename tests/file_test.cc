#include "platform/file.h"

#include <sys/resource.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "platform/append_file.h"
#include "platform/folder.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

void CheckMentions(const Error& error, std::string_view text) {
  INFO(error.message);
  CHECK(error.message.find(text) != std::string::npos);
}

std::string Contents(const fs::path& path) {
  const Result<std::string> contents = ReadFile(path);
  REQUIRE(contents.has_value());
  return *contents;
}

// No file of this process may grow beyond `bytes`, as on a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old_limit_) == 0);
    const rlimit limit = {bytes, old_limit_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_limit_ = {};
  void (*old_handler_)(int) = SIG_DFL;
};

TEST_CASE("a file is read back byte for byte", "[file]") {
  const TempDir dir;
  std::string bytes(200'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 7 % 256);
  }
  CHECK(Contents(dir.Write("some", bytes)) == bytes);
  CHECK(Contents(dir.Write("none", "")).empty());
}

TEST_CASE("a file that tells no size is read to its end", "[file]") {
  if (!fs::exists("/proc/self/status")) SKIP("no /proc here");
  CHECK(Contents("/proc/self/status").find("VmRSS") != std::string::npos);
}

TEST_CASE("reading what is no regular file is refused", "[file]") {
  const TempDir dir;
  const auto missing = ReadFile(dir.path() / "missing");
  REQUIRE(!missing);
  CheckMentions(missing.error(), (dir.path() / "missing").string());
  CheckMentions(missing.error(), "No such file");

  const auto folder = ReadFile(dir.path());
  REQUIRE(!folder);
  CheckMentions(folder.error(), dir.path().string());
  CheckMentions(folder.error(), "expected a regular file, found a folder");

  const auto device = ReadFile("/dev/zero");
  REQUIRE(!device);
  CheckMentions(device.error(), "/dev/zero");
}

TEST_CASE("an atomic write makes or replaces the whole file", "[file]") {
  const TempDir dir;
  const fs::path path = dir.path() / "state";
  REQUIRE(WriteFileAtomically(path, "a first, long version"));
  CHECK(Contents(path) == "a first, long version");
  REQUIRE(WriteFileAtomically(path, "second"));
  CHECK(Contents(path) == "second");
  CHECK(!fs::exists(dir.path() / "state.tmp"));
}

TEST_CASE("an atomic write takes a name without a folder", "[file]") {
  const TempDir dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  const Status status = WriteFileAtomically("bare", "x");
  fs::current_path(before);
  REQUIRE(status);
  CHECK(Contents(dir.path() / "bare") == "x");
}

TEST_CASE("a failed atomic write keeps the old file", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("state", "old");
  Status status;
  {
    const FileSizeLimit limit(100);
    status = WriteFileAtomically(path, std::string(1000, 'x'));
  }
  REQUIRE(!status);
  CheckMentions(status.error(), path.string());
  CheckMentions(status.error(), "File too large");
  CHECK(Contents(path) == "old");
  CHECK(!fs::exists(dir.path() / "state.tmp"));
}

TEST_CASE("an atomic write cannot replace a folder", "[file]") {
  const TempDir dir;
  fs::create_directories(dir.path() / "state" / "inside");
  const Status status = WriteFileAtomically(dir.path() / "state", "x");
  REQUIRE(!status);
  CheckMentions(status.error(), (dir.path() / "state").string());
  CHECK(fs::exists(dir.path() / "state" / "inside"));
  CHECK(!fs::exists(dir.path() / "state.tmp"));
}

TEST_CASE("an atomic write into a missing folder names it", "[file]") {
  const TempDir dir;
  const Status status = WriteFileAtomically(dir.path() / "no" / "f", "x");
  REQUIRE(!status);
  CheckMentions(status.error(), (dir.path() / "no" / "f").string());
}

TEST_CASE("a writable folder is made with its parents, or kept", "[file]") {
  const TempDir dir;
  const fs::path path = dir.path() / "a" / "b";
  REQUIRE(MakeWritableFolder(path));
  CHECK(fs::is_directory(path));
  dir.Write("a/b/kept", "yes");
  REQUIRE(MakeWritableFolder(path));
  REQUIRE(MakeWritableFolder(path / ""));
  CHECK(Contents(path / "kept") == "yes");
  CHECK(std::distance(fs::directory_iterator(path), {}) == 1);
}

TEST_CASE("a file in a folder's place is refused and kept", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("taken", "data");
  const Status same = MakeWritableFolder(path);
  REQUIRE(!same);
  CheckMentions(same.error(), path.string() + " is a file");
  CheckMentions(same.error(), "expected a folder");

  const Status below = MakeWritableFolder(path / "sub");
  REQUIRE(!below);
  CheckMentions(below.error(), (path / "sub").string());
  CHECK(Contents(path) == "data");
}

TEST_CASE("a folder in which nothing can be written is refused", "[file]") {
  const Status unwritable = MakeWritableFolder("/proc/self");
  REQUIRE(!unwritable);
  CheckMentions(unwritable.error(), "cannot write to the folder /proc/self");

  const TempDir dir;
  Status full;
  {
    const FileSizeLimit limit(0);
    full = MakeWritableFolder(dir.path() / "out");
  }
  REQUIRE(!full);
  CheckMentions(full.error(), (dir.path() / "out").string());
  CHECK(fs::is_empty(dir.path() / "out"));
}

TEST_CASE("appended rows stand one behind the other", "[file]") {
  const TempDir dir;
  const fs::path path = dir.path() / "rows";
  auto file = AppendFile::Create(path);
  REQUIRE(file);
  CHECK(file->size_bytes() == 0);
  REQUIRE(file->Append("one\n"));
  REQUIRE(file->Append(""));
  REQUIRE(file->Append("two\n"));
  CHECK(file->size_bytes() == 8);
  CHECK(Contents(path) == "one\ntwo\n");
  CHECK(file->Sync());
}

TEST_CASE("a resumed file goes on where it is told to", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("rows", "one\ntwo\nhal");
  auto file = AppendFile::Resume(path, 8);
  REQUIRE(file);
  CHECK(Contents(path) == "one\ntwo\n");
  REQUIRE(file->Append("three\n"));
  CHECK(file->size_bytes() == 14);
  CHECK(Contents(path) == "one\ntwo\nthree\n");
}

TEST_CASE("a file shorter than its recorded size is not resumed", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("rows", "one\n");
  const auto file = AppendFile::Resume(path, 8);
  REQUIRE(!file);
  CheckMentions(file.error(), path.string());
  CheckMentions(file.error(), "expected at least 8 bytes, found 4");
  CHECK(Contents(path) == "one\n");
}

TEST_CASE("a missing file is not resumed, and not made", "[file]") {
  const TempDir dir;
  const fs::path path = dir.path() / "rows";
  const auto file = AppendFile::Resume(path, 0);
  REQUIRE(!file);
  CheckMentions(file.error(), path.string());
  CHECK(!fs::exists(path));
}

TEST_CASE("an append file in a missing folder is refused", "[file]") {
  const TempDir dir;
  const auto file = AppendFile::Create(dir.path() / "no" / "rows");
  REQUIRE(!file);
  CheckMentions(file.error(), (dir.path() / "no" / "rows").string());
}

TEST_CASE("a row that does not fit is cut off again", "[file]") {
  const TempDir dir;
  const fs::path path = dir.path() / "rows";
  auto file = AppendFile::Create(path);
  REQUIRE(file);
  REQUIRE(file->Append("one\n"));
  Status status;
  {
    const FileSizeLimit limit(10);  // takes six more bytes, then no more
    status = file->Append("a long row\n");
  }
  REQUIRE(!status);
  CheckMentions(status.error(), path.string());
  CheckMentions(status.error(), "File too large");
  CHECK(file->size_bytes() == 4);
  CHECK(Contents(path) == "one\n");
  REQUIRE(file->Append("two\n"));
  CHECK(Contents(path) == "one\ntwo\n");
}

TEST_CASE("a moved append file goes on, the one before is let go", "[file]") {
  const TempDir dir;
  auto first = AppendFile::Create(dir.path() / "first");
  auto second = AppendFile::Create(dir.path() / "second");
  REQUIRE((first && second));
  REQUIRE(first->Append("1"));
  AppendFile moved = *std::move(first);
  REQUIRE(moved.Append("2"));
  CHECK(moved.size_bytes() == 2);
  *second = std::move(moved);
  REQUIRE(second->Append("3"));
  CHECK(Contents(dir.path() / "first") == "123");
  CHECK(Contents(dir.path() / "second").empty());
}

TEST_CASE("a table never takes the place of another file", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("rows", "someone's");
  CHECK_FALSE(AppendFile::Create(path));
  fs::create_symlink(path, dir.path() / "link");
  CHECK_FALSE(AppendFile::Create(dir.path() / "link"));
  CHECK_FALSE(AppendFile::Resume(dir.path() / "link", 0));
  CHECK(Contents(path) == "someone's");
}

TEST_CASE("nothing is written through a symbolic link", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("precious", "someone's");
  fs::create_symlink(path, dir.path() / "a.tmp");
  CHECK_FALSE(WriteFileAtomically(dir.path() / "a", "ours"));
  fs::create_symlink(path, dir.path() / "b");
  REQUIRE(WriteFileAtomically(dir.path() / "b", "ours"));
  CHECK_FALSE(fs::is_symlink(dir.path() / "b"));
  CHECK(Contents(path) == "someone's");
}

TEST_CASE("what is written in pieces is there once it is committed", "[file]") {
  const TempDir dir;
  const fs::path path = dir.Write("state", "old");
  {
    FileWriter writer = FileWriter::Create(path).value();
    REQUIRE(writer.Write("one "));
    REQUIRE(writer.Write("two"));
    CHECK(Contents(path) == "old");
    REQUIRE(writer.Commit());
    CHECK(Contents(path) == "one two");
  }
  {
    FileWriter given_up = FileWriter::Create(path).value();
    REQUIRE(given_up.Write("half"));
  }
  CHECK(Contents(path) == "one two");
  CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("the beginning of a file is visited in order", "[file]") {
  const TempDir dir;
  std::string bytes(150'000, 'x');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 13 % 256);
  }
  const fs::path path = dir.Write("some", bytes);
  CHECK(FileBytes(path).value() == 150'000);
  std::string seen;
  const auto add = [&](std::string_view piece) { seen += piece; };
  REQUIRE(VisitFile(path, 140'001, add));
  CHECK(seen == bytes.substr(0, 140'001));
  const auto refused = VisitFile(path, 150'001, add);
  REQUIRE_FALSE(refused);
  CheckMentions(refused.error(),
                "holds 150000 bytes, expected at least 150001");
  CHECK_FALSE(FileBytes(dir.path()));
}

TEST_CASE("a folder is made once and never in a link's place", "[file]") {
  const TempDir dir;
  REQUIRE(MakeFolder(dir.path() / "a"));
  REQUIRE(MakeFolder(dir.path() / "a"));
  fs::create_directory_symlink(dir.path() / "a", dir.path() / "link");
  const Status link = MakeFolder(dir.path() / "link");
  REQUIRE_FALSE(link);
  CheckMentions(link.error(), "is a symbolic link, expected a folder");
  CHECK_FALSE(MakeFolder(dir.path() / "no" / "b"));
}

}  // namespace
}  // namespace batchsweep

#include "platform/mapped_file.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "platform/memory.h"
#include "platform/process.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

std::string Counting(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += static_cast<char>(i * 7 % 251);
  return text;
}

std::string TextOf(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()),
          file.bytes().size()};
}

// What became of a child process, and what it wrote to standard error.
struct Ending {
  int status = 0;
  std::string text;
};

Ending EndOf(const std::function<void()>& work) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    work();
    _exit(0);
  }
  close(ends[1]);
  Ending ending;
  char block[256];
  for (ssize_t n; (n = read(ends[0], block, sizeof block)) > 0;) {
    ending.text.append(block, static_cast<size_t>(n));
  }
  close(ends[0]);
  REQUIRE(waitpid(child, &ending.status, 0) == child);
  return ending;
}

TEST_CASE("a window of a file has the file's bytes", "[mapped_file]") {
  const TempDir dir;
  const std::string text = Counting(70'001);
  const fs::path path = dir.Write("file", text);
  for (const auto& [offset, size] :
       {std::pair{0, 70'001}, std::pair{1, 1}, std::pair{4095, 2},
        std::pair{4096, 4096}, std::pair{65'535, 4466}, std::pair{70'000, 1}}) {
    INFO(offset);
    const auto file = MappedFile::Map(path, offset, size);
    REQUIRE(file);
    CHECK((*file)->is_mapped());
    const std::string expected =
        text.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
    CHECK((TextOf(**file) == expected));
    REQUIRE((*file)->DropPages());
    CHECK((TextOf(**file) == expected));
  }
}

TEST_CASE("a window behind 4 GiB of a file that is mostly holes is mapped",
          "[mapped_file]") {
  const TempDir dir;
  const fs::path path = dir.Write("file", "");
  const int64_t size = int64_t{5} << 30;
  fs::resize_file(path, static_cast<uintmax_t>(size));
  const int64_t cut = (size - 10) & 0xffffffff;  // to 32 bits
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(cut)
      .write("elsewhere!", 10)
      .seekp(size - 3)
      .write("end", 3);
  const auto file = MappedFile::Map(path, size - 10, 10);
  REQUIRE(file);
  if (BATCHSWEEP_TEST_EMULATED && TextOf(**file) == "elsewhere!") {
    SKIP("this emulator cuts the offset of mmap2() to 32 bits");
  }
  CHECK(TextOf(**file) == std::string(7, '\0') + "end");
}

TEST_CASE("a window that the file does not have is refused", "[mapped_file]") {
  const TempDir dir;
  const fs::path path = dir.Write("file", "0123456789");
  CHECK(!MappedFile::Map(path, 0, 11));
  CHECK(!MappedFile::Map(path, 10, 1));
  const auto missing = MappedFile::Map(dir.path() / "none", 0, 1);
  REQUIRE(!missing);
  CHECK(missing.error().message.starts_with("cannot read " +
                                            dir.path().string() + "/none: "));
}

TEST_CASE("a window that finds no room is refused in one line",
          "[mapped_file]") {
  const TempDir dir;
  const fs::path path = dir.Write("file", "");
  const int64_t size = int64_t{1} << 43;
  std::error_code error;
  fs::resize_file(path, static_cast<uintmax_t>(size), error);
  if (error) SKIP("this file system has no files of 8 TiB");
  std::vector<std::shared_ptr<const MappedFile>> files;
  for (int i = 0; i < 20; ++i) {
    auto file = MappedFile::Map(path, 0, size);
    if (file) {
      files.push_back(*std::move(file));
      continue;
    }
    CHECK(file.error().message.starts_with("cannot map " + path.string()));
    CHECK(file.error().message.contains("see --train-limit"));
    return;
  }
  FAIL("160 TiB were mapped");
}

TEST_CASE("dropped pages are not held any more", "[mapped_file]") {
  const TempDir dir;
  constexpr int64_t kBytes = 32 << 20;
  const fs::path path = dir.Write("file", std::string(kBytes, 'x'));
  const auto file = MappedFile::Map(path, 0, kBytes);
  REQUIRE(file);
  const auto rss = [] { return ReadProcessMemory().rss_bytes.value(); };
  const int64_t before = rss();
  (*file)->TouchPages();
  CHECK(rss() - before > kBytes / 2);
  REQUIRE((*file)->DropPages());
  CHECK(rss() - before < kBytes / 4);
}

TEST_CASE("a mapped file that shrank is told by its length", "[mapped_file]") {
  const TempDir dir;
  const fs::path path = dir.Write("file", Counting(5000));
  const auto file = MappedFile::Map(path, 100, 4900);
  REQUIRE(file);
  CHECK((*file)->CheckLength());
  fs::resize_file(path, 4999);  // within the page, where zeros take its place
  CHECK(!(*file)->CheckLength());
  const auto dropped = (*file)->DropPages();
  REQUIRE(!dropped);
  CHECK(dropped.error().message ==
        path.string() +
            ": it became shorter while it was read; restore it, then go on "
            "with --resume");
}

TEST_CASE("touching what a mapped file has lost ends with one line",
          "[mapped_file]") {
  const TempDir dir;
  const fs::path path = dir.Write("a\nfile", Counting(300'000));
  const auto other = MappedFile::Map(dir.Write("other", "other"), 0, 5);
  const auto file = MappedFile::Map(path, 100, 299'900);
  REQUIRE(file);
  const Ending ending = EndOf([&] {
    fs::resize_file(path, 4096);
    (*file)->TouchPages();
  });
  REQUIRE(WIFEXITED(ending.status));
  CHECK(WEXITSTATUS(ending.status) == 1);
  CHECK(ending.text ==
        "batchsweep: " + (dir.path() / "a?file").string() +
            ": it became shorter while it was read; restore it, then go on "
            "with --resume\n");
}

TEST_CASE(
    "a child that touches what a mapped file has lost fails with a message",
    "[mapped_file]") {
  const TempDir dir;
  const fs::path path = dir.Write("file", Counting(300'000));
  const auto file = MappedFile::Map(path, 0, 300'000);
  REQUIRE(file);
  const Status status = RunInChild("cell", [&]() -> Status {
    fs::resize_file(path, 4096);
    (*file)->TouchPages();
    return {};
  });
  REQUIRE(!status);
  CHECK(status.error().message ==
        path.string() +
            ": it became shorter while it was read; restore it, then go on "
            "with --resume");
}

TEST_CASE("a bus error elsewhere is not taken for a file that shrank",
          "[mapped_file]") {
  const TempDir dir;
  const auto mapped = MappedFile::Map(dir.Write("file", "mapped"), 0, 6);
  REQUIRE(mapped);
  const Ending ending = EndOf([&] {
    FILE* file = std::tmpfile();
    // Far from the mapped file, since qemu-user tells the address of the page
    // behind the one that was touched.
    void* room =
        mmap(nullptr, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void* page = mmap(static_cast<char*>(room) + 8 * 4096, 4096, PROT_READ,
                      MAP_SHARED | MAP_FIXED, fileno(file), 0);
    (void)*static_cast<volatile char*>(page);
  });
  CHECK(!(WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0));
  CHECK(!ending.text.contains("it became shorter"));
}

}  // namespace
}  // namespace batchsweep

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <format>
#include <optional>

#include "platform/file.h"
#include "platform/folder.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

// Whether another process gets the lock.
bool AnotherGets(const std::filesystem::path& folder) {
  const pid_t child = fork();
  if (child == 0) {
    // As a program that was not begun by this one.
    unsetenv("BATCHSWEEP_LOCK_DESCRIPTOR");
    _exit(FolderLock::Take(folder) ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 1;
}

TEST_CASE("one process at a time has a folder's lock", "[folder_lock]") {
  const TempDir dir;
  std::optional<FolderLock> lock(FolderLock::Take(dir.path()).value());
  if (!lock->keeps_others_out()) SKIP("this file system has no locks");
  CHECK_FALSE(lock->is_signed());
  CHECK_FALSE(AnotherGets(dir.path()));
  lock.reset();
  CHECK(AnotherGets(dir.path()));
}

TEST_CASE("who is refused is told by whom", "[folder_lock]") {
  const TempDir dir;
  FolderLock lock = FolderLock::Take(dir.path()).value();
  if (!lock.keeps_others_out()) SKIP("this file system has no locks");
  unsetenv("BATCHSWEEP_LOCK_DESCRIPTOR");
  // A second descriptor of this process is refused as any other would be.
  const auto unsigned_yet = FolderLock::Take(dir.path());
  REQUIRE_FALSE(unsigned_yet);
  CHECK(unsigned_yet.error().message.contains("another process is writing"));
  REQUIRE(lock.Sign());
  const auto refused = FolderLock::Take(dir.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains(
      std::format("process {} on host ", getpid())));
  CHECK_FALSE(refused.error().message.contains('\n'));
}

TEST_CASE("a program begun anew has the lock that it had", "[folder_lock]") {
  const TempDir dir;
  const FolderLock lock = FolderLock::Take(dir.path()).value();
  if (!lock.keeps_others_out()) SKIP("this file system has no locks");
  // The variable and the descriptor are what exec leaves.
  const pid_t child = fork();
  if (child == 0) _exit(FolderLock::Take(dir.path()) ? 1 : 0);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 1);
  CHECK_FALSE(AnotherGets(dir.path()));
}

TEST_CASE("nobody is told of a holder that is gone", "[folder_lock]") {
  const TempDir dir;
  const FolderLock lock = FolderLock::Take(dir.path()).value();
  if (!lock.keeps_others_out()) SKIP("this file system has no locks");
  std::array<char, 256> host = {};
  REQUIRE(gethostname(host.data(), host.size() - 1) == 0);
  // No process has this number: it is beyond the kernel's largest.
  dir.Write(
      "batchsweep.lock",
      std::format("batchsweep: process {} on host {}\n", 1 << 23, host.data()));
  unsetenv("BATCHSWEEP_LOCK_DESCRIPTOR");
  const auto refused = FolderLock::Take(dir.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("another process is writing"));
}

TEST_CASE("a folder that was signed is known as such", "[folder_lock]") {
  const TempDir dir;
  REQUIRE(FolderLock::Take(dir.path()).value().Sign());
  CHECK(FolderLock::Take(dir.path()).value().is_signed());
}

TEST_CASE("a file of someone's by the lock's name is refused and kept",
          "[folder_lock]") {
  const TempDir dir;
  dir.Write("batchsweep.lock", "my shopping list");
  const auto refused = FolderLock::Take(dir.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("no lock of batchsweep"));
  CHECK(ReadFile(dir.path() / "batchsweep.lock").value() == "my shopping list");
}

}  // namespace
}  // namespace batchsweep

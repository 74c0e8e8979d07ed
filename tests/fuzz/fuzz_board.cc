// What the kernel and the firmware tell of a board.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/file.h"
#include "platform/linux/mailbox.h"
#include "platform/memory.h"
#include "platform/sensors.h"
#include "platform/system.h"
#include "tests/board_trees.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/fuzz/fuzzed_folder.h"
#include "util/check.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

void CheckIsFinite(const std::optional<double>& value) {
  if (value) CHECK(std::isfinite(*value));
}

// The files of a made-up board, in a fixed order.
std::vector<FuzzedFolder::File> FilesOf(void (*make)(Tree&)) {
  Tree tree;
  make(tree);
  std::vector<FuzzedFolder::File> files;
  for (const auto& entry : fs::recursive_directory_iterator(tree.root())) {
    if (!entry.is_regular_file()) continue;
    const auto text = ReadFile(entry.path());
    files.push_back(
        {fs::relative(entry.path(), tree.root()).string(), text.value_or("")});
  }
  std::ranges::sort(files, {}, &FuzzedFolder::File::name);
  return files;
}

void ReadBoard(const fs::path& root) {
  Sensors sensors(root);
  for (int64_t now_ns = 1; now_ns < 3'000'000'000; now_ns += 1'000'000'000) {
    const SensorReading reading = sensors.Read(now_ns);
    CheckIsFinite(reading.cpu_temp_celsius);
    CheckIsFinite(reading.cpu_freq_hz);
    CheckIsFinite(reading.power_watts);
  }
  CHECK(!sensors.Describe().empty());
  DescribeSystem(root);
}

}  // namespace

void FuzzBoard(std::string_view bytes) {
  static const std::array folders = {
      FuzzedFolder(FilesOf(MakePi4)), FuzzedFolder(FilesOf(MakeJetsonOrinNano)),
      FuzzedFolder(FilesOf(MakeJetsonNano)), FuzzedFolder(FilesOf(MakeLaptop))};
  if (bytes.empty()) return;
  const FuzzedFolder& folder =
      folders[static_cast<unsigned char>(bytes[0]) % folders.size()];
  folder.WithOneReplaced(bytes.substr(1), [&] { ReadBoard(folder.path()); });
}

void FuzzMailbox(std::string_view bytes) {
  CheckIsFinite(SumOfRails(bytes));
  // The firmware writes over what it is handed, from the answer's code on.
  const auto answer = [&](std::span<uint32_t> words) {
    const size_t room = words.size_bytes() - sizeof(uint32_t);
    if (!bytes.empty()) {
      std::memcpy(words.data() + 1, bytes.data(), std::min(room, bytes.size()));
    }
    return true;
  };
  // A command's answer is a text, in the words behind the tag's.
  const auto text = [&](std::span<uint32_t> words) {
    words[1] = 0x80000000;
    words[4] = 0x80000000 | static_cast<uint32_t>(bytes.size());
    constexpr size_t kBefore = 6;
    const size_t room = words.size_bytes() - kBefore * sizeof(uint32_t);
    if (!bytes.empty()) {
      std::memcpy(words.data() + kBefore, bytes.data(),
                  std::min(room, bytes.size()));
    }
    return true;
  };
  for (const Mailbox& mailbox :
       {Mailbox(answer, nullptr), Mailbox(nullptr, answer),
        Mailbox(nullptr, text)}) {
    mailbox.ThrottleWord();
    CheckIsFinite(mailbox.CpuFrequencyHz());
    CheckIsFinite(mailbox.RailsWatts());
  }
}

void FuzzMemory(std::string_view bytes) {
  static const std::string unified = "sys/fs/cgroup/user.slice/";
  static const std::string first = "sys/fs/cgroup/memory/user/";
  static const FuzzedFolder folder(
      {{"proc/meminfo",
        "MemTotal: 2000 kB\nMemAvailable: 1000 kB\nSwapTotal: 10 kB\n"},
       {"proc/self/cgroup", "4:memory:/user\n0::/user.slice\n"},
       {unified + "memory.max", "1000000\n"},
       {unified + "memory.current", "1000\n"},
       {first + "memory.limit_in_bytes", "1000000\n"},
       {first + "memory.usage_in_bytes", "1000\n"},
       {unified + "memory.stat", "anon 1\ninactive_file 100\n"},
       {"proc/self/limits",
        "Max data size             unlimited            unlimited  bytes\n"
        "Max stack size            8388608              unlimited  bytes\n"
        "Max address space         3000000000           unlimited  bytes\n"},
       {"proc/self/status", "VmSize: 1000 kB\nVmData: 100 kB\n"}});
  folder.WithOneReplaced(bytes, [] {
    const auto room = AvailableMemory(/*new_threads=*/3, folder.path());
    if (room) CHECK(room->bytes >= 0 && !room->limit.empty());
    const auto total = TotalMemoryBytes(folder.path());
    if (total) CHECK(*total >= 0);
    const Swap swap = ReadSwap(folder.path());
    if (swap.used_bytes) CHECK(*swap.used_bytes >= 0);
  });
}

}  // namespace batchsweep

// Where a board tells what it draws.
#ifndef BATCHSWEEP_PLATFORM_LINUX_POWER_H_
#define BATCHSWEEP_PLATFORM_LINUX_POWER_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchsweep {

// A channel of an INA3221, the power monitor of Jetsons: a file of its power in
// milliwatts (JetPack 4), or of its voltage and current in millivolts and
// milliamperes (JetPack 5 and 6).
struct PowerRail {
  std::string name;             // "VDD_IN"; empty if its file cannot be read
  std::filesystem::path label;  // the file of its name
  std::filesystem::path power;  // empty where there are the next two
  std::filesystem::path voltage;
  std::filesystem::path current;

  // In watts; absent if a file is. A reading waits for the chip, up to 13 ms.
  std::optional<double> Read() const;
};

// The connected channels of all chips, of which names and hwmon numbers differ
// from board to board and from boot to boot.
std::vector<PowerRail> FindJetsonRails(const std::filesystem::path& root);

// Those that together are the whole module: its input, or all of what a module
// without such a channel has. Empty if they are unknown: a sum of some, or of
// an input and what it feeds, would be no power of anything.
std::vector<PowerRail> TotalRails(const std::vector<PowerRail>& rails);

// The packages of a PC, whose counters of microjoules wrap around.
class RaplPackages {
 public:
  explicit RaplPackages(const std::filesystem::path& root);

  // The mean since the last call, in watts; absent in the first one, if a
  // counter is, and if one has not moved for a second, which no CPU does.
  std::optional<double> Read(int64_t now_ns);

  // "package-0", ...
  std::vector<std::string> names() const;
  // The files of the counters.
  std::vector<std::filesystem::path> files() const;

 private:
  struct Package {
    std::string name;
    std::filesystem::path counter;
    std::optional<int64_t> range_uj;  // it goes up to this, then on from 0
    std::optional<int64_t> last_uj;
  };
  std::vector<Package> packages_;
  std::optional<int64_t> last_ns_;
  int64_t moved_ns_ = 0;  // when all of them last had
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_POWER_H_

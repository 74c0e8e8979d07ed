// The board's power: one of four ways to it, by the kind of board.
#include <algorithm>
#include <format>
#include <ranges>
#include <string_view>
#include <vector>

#include "platform/linux/power.h"
#include "platform/linux/sensor.h"
#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kMeter = "use a meter at the plug";
// Files of /sys are made anew, with their first permissions, at each boot.
constexpr std::string_view kUntilBoot =
    "for root alone; the command holds until the next boot";

std::string Join(const std::vector<std::string>& parts,
                 std::string_view between) {
  return parts | std::views::join_with(between) |
         std::ranges::to<std::string>();
}

SensorStatus NoPower(std::string_view why) {
  return {"power", false, std::format("{}; {}", why, kMeter)};
}

SensorStatus ClosedPower(const std::vector<std::string>& closed,
                         const std::vector<std::string>& patterns) {
  return {"power", false,
          std::format("{} is {}", Join(closed, " and "), kUntilBoot),
          "sudo chmod a+r " + Join(patterns, " ")};
}

// The power chip of a Raspberry Pi 5.
class PiPower : public Sensor {
 public:
  explicit PiPower(const Board& board)
      : board_(board), answers_(board.mailbox.RailsWatts().has_value()) {}

  void Read(int64_t, SensorReading& reading) override {
    if (answers_) reading.power_watts = board_.mailbox.RailsWatts();
  }

  void AddSource(SensorSources& sources) const override {
    if (!answers_) return;
    sources.energy_grade = EnergyGrade::kBoardRails;
    sources.power = "sum of the power chip's rails, less than the board draws";
  }

  std::optional<SensorStatus> Describe() override {
    const SystemInfo& system = board_.system;
    if (!answers_ && system.soc != "bcm2712") {  // the 5's and its kin
      return NoPower(
          std::format("a {} has no power sensor",
                      system.board.value_or("Raspberry Pi before the 5")));
    }
    const SensorStatus mailbox = MailboxStatus(board_);
    if (!mailbox.readable) {
      return SensorStatus{"power", false,
                          "the power chip is read by the mailbox",
                          mailbox.remedy};
    }
    if (!answers_) {
      return NoPower(
          "this firmware does not tell the power chip's rails (pmic_read_adc), "
          "a newer one does");
    }
    return SensorStatus{
        "power", true,
        "the power chip's rails, by the mailbox: less than the board draws"};
  }

 private:
  const Board& board_;
  const bool answers_;
};

class JetsonPower : public Sensor {
 public:
  explicit JetsonPower(const Board& board)
      : board_(board),
        rails_(FindJetsonRails(board.root)),
        total_(TotalRails(rails_)) {}

  void Read(int64_t, SensorReading& reading) override {
    reading.power_watts = Watts();
  }

  void AddSource(SensorSources& sources) const override {
    if (total_.empty()) return;
    sources.energy_grade = EnergyGrade::kBoardRails;
    sources.power = Names(total_, " + ") + " of an INA3221";
  }

  std::optional<SensorStatus> Describe() override {
    if (auto closed = DescribeClosed()) return closed;
    if (rails_.empty()) {
      return NoPower("no INA3221 here, as on a Jetson Nano 2GB");
    }
    if (total_.empty()) {
      return NoPower(
          std::format("an INA3221 has {}, of which no sum is known to be the "
                      "module's",
                      Names(rails_, ", ")));
    }
    const std::string detail = Names(total_, " + ") + " of an INA3221";
    if (!Watts()) return NoPower(detail + ", which does not answer now");
    return SensorStatus{"power", true, detail};
  }

  bool any() const { return !total_.empty(); }

 private:
  static std::string Names(const std::vector<PowerRail>& rails,
                           std::string_view between) {
    std::vector<std::string> names;
    for (const PowerRail& rail : rails) names.push_back(rail.name);
    return Join(names, between);
  }

  // A sum with a part missing is no sum.
  std::optional<double> Watts() const {
    if (total_.empty()) return std::nullopt;
    double watts = 0.0;
    for (const PowerRail& rail : total_) {
      const auto part = rail.Read();
      if (!part) return std::nullopt;
      watts += *part;
    }
    return watts;
  }

  std::optional<SensorStatus> DescribeClosed() const {
    std::vector<std::string> closed, patterns;
    for (const PowerRail& rail : rails_) {
      const bool iio = !rail.power.empty();
      const bool readable =
          board_.probe(iio ? rail.power : rail.current).readable &&
          board_.probe(rail.label).readable;
      const std::string folder =
          sysfs::Shown(board_.root, rail.label.parent_path());
      if (readable || std::ranges::contains(closed, folder)) continue;
      closed.push_back(folder);
      patterns.push_back(std::format("{0}/{1} {0}/*_input", folder,
                                     iio ? "rail_name_*" : "in*_label"));
    }
    if (closed.empty()) return std::nullopt;
    return ClosedPower(closed, patterns);
  }

  const Board& board_;
  const std::vector<PowerRail> rails_;
  const std::vector<PowerRail> total_;
};

class PcPower : public Sensor {
 public:
  explicit PcPower(const Board& board) : board_(board), packages_(board.root) {}

  void Read(int64_t now_ns, SensorReading& reading) override {
    reading.power_watts = packages_.Read(now_ns);
  }

  void AddSource(SensorSources& sources) const override {
    const auto readable = [](const Path& file) {
      return sysfs::ReadInteger(file).has_value();
    };
    if (packages_.files().empty() ||
        !std::ranges::all_of(packages_.files(), readable)) {
      return;
    }
    sources.energy_grade = EnergyGrade::kPackageCounter;
    sources.power =
        Join(packages_.names(), " + ") + " by RAPL, not the whole PC";
  }

  std::optional<SensorStatus> Describe() override {
    std::vector<std::string> closed;
    for (const Path& counter : packages_.files()) {
      if (!board_.probe(counter).readable) {
        closed.push_back(sysfs::Shown(board_.root, counter));
      }
    }
    if (!closed.empty()) return ClosedPower(closed, closed);
    if (packages_.files().empty()) {
      return NoPower("no RAPL counter, as in virtual machines");
    }
    return SensorStatus{
        "power", true,
        std::format("RAPL's energy of {}, which is not the whole PC",
                    Join(packages_.names(), ", "))};
  }

 private:
  const Board& board_;
  RaplPackages packages_;
};

class UnknownPower : public Sensor {
 public:
  std::optional<SensorStatus> Describe() override {
    return NoPower("no power sensor is known on this board");
  }
};

}  // namespace

std::unique_ptr<Sensor> FindPower(const Board& board) {
  if (IsRaspberryPi(board.system)) return std::make_unique<PiPower>(board);
  // Some boards of others have the same chip with the same names.
  auto jetson = std::make_unique<JetsonPower>(board);
  if (jetson->any() || IsJetson(board.system)) return jetson;
  if (!board.system.soc) return std::make_unique<PcPower>(board);
  return std::make_unique<UnknownPower>();
}

}  // namespace batchsweep

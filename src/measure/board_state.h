// The state of the board and of this process' memory while a step ran: columns
// of steps.csv.
//
// To add a sensor: a member of SensorReading (platform/sensors.h) and its
// reader, and here a member and its entry in Merge(). A member of SensorReading
// or BoardState without an entry does not compile.
#ifndef BATCHSWEEP_MEASURE_BOARD_STATE_H_
#define BATCHSWEEP_MEASURE_BOARD_STATE_H_

#include <cstdint>
#include <optional>

#include "measure/merge_rules.h"
#include "measure/merged_columns.h"
#include "platform/memory.h"
#include "platform/sensors.h"
#include "util/fields.h"

namespace batchsweep {

// All are absent where no reading covers the step or the board does not tell.
struct BoardState {
  std::optional<int64_t> rss_bytes;
  std::optional<int64_t> peak_rss_bytes;  // since this cell's process began
  std::optional<int64_t> swap_bytes;
  std::optional<double> cpu_temp_celsius;
  std::optional<double> cpu_freq_hz;
  std::optional<bool> throttled;
  std::optional<double> power_watts;
  std::optional<double> energy_joules;  // power times step time

  // How each comes from the readings that cover the step. Entries of one source
  // stand in the order of its members.
  static constexpr auto Merge() {
    using B = BoardState;
    using M = ProcessMemory;
    using S = SensorReading;
    return MergedColumns<
        Merged<&M::rss_bytes, &B::rss_bytes, Latest>,
        Merged<&M::peak_rss_bytes, &B::peak_rss_bytes, Latest>,
        NoColumn<&M::rss_anon_bytes>,
        Merged<&M::swap_bytes, &B::swap_bytes, Latest>,
        Merged<&S::cpu_temp_celsius, &B::cpu_temp_celsius, Highest>,
        Merged<&S::cpu_freq_hz, &B::cpu_freq_hz, Lowest>,
        Merged<&S::throttled, &B::throttled, AnyTrue>,
        Merged<&S::power_watts, &B::power_watts, TimeMean>,
        Computed<&B::energy_joules>,
        NoColumn<&S::over_current_events>>();  // counted for the whole cell
  }
  static constexpr auto Fields() { return decltype(Merge())::Columns(); }
};

static_assert(
    ListsAllMembers<SensorReading>(
        decltype(BoardState::Merge())::ReadsOf<SensorReading>()),
    "BoardState::Merge() needs an entry for every member of SensorReading");
static_assert(
    ListsAllMembers<ProcessMemory>(
        decltype(BoardState::Merge())::ReadsOf<ProcessMemory>()),
    "BoardState::Merge() needs an entry for every member of ProcessMemory");

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_BOARD_STATE_H_

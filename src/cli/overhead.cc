#include "sweep/overhead.h"

#include <format>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "platform/clock.h"
#include "record/summary_table.h"

namespace batchsweep {
namespace {

std::string Nanoseconds(double ns) {
  return ns < 1000 ? std::format("{:.3g} ns", ns)
                   : FormatDurationNs(static_cast<int64_t>(ns));
}

// All that was found.
struct Costs {
  ClockProperties clock;
  RunInfo::Overhead parts;
  double sample_hz = 0.0;
  OverheadComparison whole;
};

void PrintJson(const Costs& costs) {
  const auto& [clock, parts, sample_hz, whole] = costs;
  nlohmann::ordered_json report = {
      {"clock_reading_ns", clock.cost_ns},
      {"step_recording_ns", parts.step_recording_ns},
      {"sensors_reading_ns", parts.sensors_reading_ns},
      {"counters_reading_ns", nullptr},
      {"sample_hz", sample_hz},
      {"pairs", whole.pairs},
      {"bare_step_ns", whole.bare_step_ns},
      {"measured_step_ns", whole.measured_step_ns},
      {"overhead", whole.overhead},
      {"overhead_low", whole.overhead_interval.low},
      {"overhead_high", whole.overhead_interval.high},
      {"writing_step_ns", whole.writing_step_ns},
      {"reported_step_ns", whole.reported_step_ns}};
  if (parts.counters_reading_ns) {
    report["counters_reading_ns"] = *parts.counters_reading_ns;
  }
  WriteOutput(report.dump(2) + "\n");
}

void PrintText(const Costs& costs) {
  const auto& [clock, parts, sample_hz, whole] = costs;
  PrintOutput(
      "{}\n",
      AlignedTable(
          {{"what", "costs", "when"},
           {"reading the clock", Nanoseconds(clock.cost_ns),
            "five times a step"},
           {"making a row", Nanoseconds(parts.step_recording_ns),
            "for each step, after the epoch"},
           {"reading the sensors", Nanoseconds(parts.sensors_reading_ns),
            std::format("{:g} times a second, beside the steps", sample_hz)},
           {"reading the CPU's counters",
            parts.counters_reading_ns ? Nanoseconds(*parts.counters_reading_ns)
                                      : "-",
            parts.counters_reading_ns ? "as often as keeps it below 0.4 %"
                                      : "there are none here"}}));
  PrintOutput(
      "A batch-8 step of mlp takes {} with nothing measured, {} with all of "
      "it:\n{:+.2f} %, 95 % interval {:+.2f} to {:+.2f}, by {} blocks of each "
      "in turns.\nWriting its row, after the epoch, takes another {}, {:.2f} "
      "%.\nThe step time that a run reports is {}.\n",
      Nanoseconds(whole.bare_step_ns), Nanoseconds(whole.measured_step_ns),
      100 * whole.overhead, 100 * whole.overhead_interval.low,
      100 * whole.overhead_interval.high, whole.pairs,
      Nanoseconds(whole.writing_step_ns),
      100 * whole.writing_step_ns / whole.bare_step_ns,
      Nanoseconds(whole.reported_step_ns));
}

}  // namespace

Result<int> OverheadCommand(const RunOptions& options) {
  ASSIGN_OR_RETURN(const Engine engine, StartEngine({1}));
  Sensors sensors;
  const Counters counters;
  Costs costs{.clock = MeasureClock(),
              .parts = MeasureOverhead(sensors, counters),
              .sample_hz = options.sweep.sample_hz};
  PrintMessage("comparing steps with and without measuring: 15 s");
  ASSIGN_OR_RETURN(costs.whole, CompareOverhead(*engine.kernels, sensors,
                                                options.sweep.sample_hz));
  options.json ? PrintJson(costs) : PrintText(costs);
  return kExitValid;
}

}  // namespace batchsweep

#include "cli/progress.h"

#include <algorithm>
#include <format>
#include <string_view>

#include "cli/output.h"
#include "platform/clock.h"
#include "platform/interrupt.h"
#include "platform/terminal.h"
#include "record/summary_table.h"

namespace batchsweep {
namespace {

constexpr int kBarWidth = 8;
// A forecast from less than this part of a cell is a guess.
constexpr double kForecastFraction = 0.02;

// A line of this many columns is cut by a usual terminal.
constexpr size_t kTooWide = 80;

std::string Bar(double fraction) {
  const int filled = static_cast<int>(fraction * kBarWidth);
  return std::format("[{:#<{}}{:.<{}}] ", "", filled, "", kBarWidth - filled);
}

// "batch 8    seed 2 ", the seed where there are several.
std::string CellText(const CellProgress& progress) {
  std::string text = std::format("[{}/{}] batch {:<4} ", progress.cell + 1,
                                 progress.cells, progress.batch_size);
  if (progress.seed) text += std::format("seed {} ", *progress.seed);
  return text;
}

std::string TimeLeft(int64_t left_ns) {
  if (left_ns < 0) return "";
  // Whole seconds, up: a forecast of 0 would be wrong each time it is shown.
  const int64_t left_s = left_ns / 1'000'000'000 + 1;
  return left_s < 100 ? std::format("  {} s left", left_s)
                      : std::format("  {} min left", (left_s + 59) / 60);
}

}  // namespace

std::string ProgressLine(const CellProgress& progress, int64_t left_ns) {
  const std::string where =
      CellText(progress) + std::format("epoch {:<3} ", progress.epoch);
  const std::string done =
      std::format("{:2.0f}%  loss {}", progress.fraction * 100,
                  OrDash(progress.train_loss));
  const std::string step =
      std::format("  {}/step", DurationOrDash(progress.step_time_median_ns));
  const std::string left = TimeLeft(left_ns);
  // The bar says what the number behind it says, so it goes first.
  for (const std::string& line :
       {where + Bar(progress.fraction) + done + step + left,
        where + done + step + left}) {
    if (line.size() < kTooWide) return line;
  }
  return where + done + left;
}

std::string EpochLine(const CellProgress& progress, const EpochRecord& epoch) {
  const std::string scores =
      std::format("epoch {:<3} loss {}  val {} acc {}", epoch.epoch,
                  OrDash(epoch.train_loss), OrDash(epoch.val_loss),
                  OrDash(epoch.val_accuracy));
  const std::string time = DurationOrDash(progress.step_time_median_ns);
  const std::string line =
      std::format("{}{}  {}/step", CellText(progress), scores, time);
  // What its column means is plain from the lines that have room to say it.
  return line.size() <= kTooWide
             ? line
             : std::format("{}{}  {}", CellText(progress), scores, time);
}

ProgressPrinter::ProgressPrinter() : terminal_(StderrIsTerminal()) {}

void ProgressPrinter::OnCooling(const CellProgress& progress,
                                double now_celsius, double wanted_celsius) {
  ShowWait(progress,
           terminal_ ? std::format("cooling from {:.1f} to {:g} degrees",
                                   now_celsius, wanted_celsius)
                     : std::format("cooling to {:g} degrees", wanted_celsius));
}

void ProgressPrinter::OnSoaking(const CellProgress& progress) {
  ShowWait(progress, "warming up the board");
}

void ProgressPrinter::ShowWait(const CellProgress& progress,
                               const std::string& what) {
  const std::string line = CellText(progress) + what;
  if (terminal_) {
    Redraw(line);
  } else if (waiting_ != line) {
    waiting_ = line;
    WriteMessage(line);
  }
}

void ProgressPrinter::OnProgress(const CellProgress& progress) {
  const int64_t now_ns = MonotonicNs();
  if (cell_ != static_cast<int64_t>(progress.cell)) {
    cell_ = static_cast<int64_t>(progress.cell);
    start_ns_ = now_ns;
    start_fraction_ = progress.fraction;
  }
  if (!terminal_) return;
  int64_t left_ns = -1;
  if (const double done = progress.fraction - start_fraction_;
      done > kForecastFraction) {
    left_ns = static_cast<int64_t>(static_cast<double>(now_ns - start_ns_) *
                                   (1.0 - progress.fraction) / done);
  }
  Redraw(ProgressLine(progress, left_ns));
}

void ProgressPrinter::OnEpoch(const CellProgress& progress,
                              const EpochRecord& epoch) {
  if (terminal_) return;
  WriteMessage(EpochLine(progress, epoch));
}

void ProgressPrinter::OnCellDone(const SummaryRecord& summary) {
  if (!terminal_) return;
  Redraw("");
  PrintMessage("{} val loss {} (best {}) acc {}  {}  {}",
               CellName(summary.cell), OrDash(summary.final_val_loss),
               OrDash(summary.best_val_loss),
               OrDash(summary.final_val_accuracy),
               DurationOrDash(summary.step_time_median_ns) + " a step",
               FormatDurationNs(summary.total_time_ns) + " in all");
}

bool ProgressPrinter::Interrupted() { return InterruptRequested(); }

// Cut to the terminal's width, since a wrapped line cannot be redrawn.
void ProgressPrinter::Redraw(const std::string& line) {
  const auto width = static_cast<size_t>(std::max(StderrColumns() - 1, 1));
  RedrawMessage(std::string_view(line).substr(0, width));
}

}  // namespace batchsweep

#include "sweep/sweep_position.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>

namespace batchsweep {
namespace {

// A count or a time, of which none is below 0.
struct Count {
  std::string_view name;
  int64_t value;
};

Status CheckCounts(std::initializer_list<Count> counts) {
  for (const Count& count : counts) {
    if (count.value < 0) {
      return Fail("{} is {}, expected 0 or more", count.name, count.value);
    }
  }
  return {};
}

Status CheckKept(const KeptCell& kept, int64_t cells, int64_t train_examples) {
  const TrainingPosition& position = kept.state.position;
  const CellTotals& totals = kept.state.totals;
  RETURN_IF_ERROR(
      CheckCounts({{"cell", kept.cell},
                   {"history_steps", kept.history_steps},
                   {"step", position.step},
                   {"step_time_ns", position.step_time_ns},
                   {"evaluated_step", position.evaluated_step},
                   {"evaluated_step_time_ns", position.evaluated_step_time_ns},
                   {"elapsed_ns", kept.state.elapsed_ns},
                   {"epoch.steps", totals.epoch.steps},
                   {"epoch.examples", totals.epoch.examples},
                   {"epoch.correct", totals.epoch.correct.value_or(0)},
                   {"epochs", totals.epochs},
                   {"train_time_ns", totals.train_time_ns}}));
  if (kept.cell >= cells) {
    return Fail("cell is {}, expected less than {}", kept.cell, cells);
  }
  if (position.epoch != totals.epochs + 1) {
    return Fail("epoch is {} after {} epochs", position.epoch, totals.epochs);
  }
  if (position.epoch_examples != totals.epoch.examples ||
      position.epoch_examples > train_examples) {
    return Fail("epoch_examples is {} of {} trained on and {} in all",
                position.epoch_examples, totals.epoch.examples, train_examples);
  }
  if (totals.epoch.steps > position.step ||
      kept.history_steps > position.step ||
      position.evaluated_step > position.step ||
      position.evaluated_step_time_ns > position.step_time_ns ||
      totals.epoch.correct.value_or(0) > totals.epoch.examples) {
    return Fail("the counts of steps and examples contradict each other");
  }
  if (!kept.state.diverged && !std::isfinite(totals.epoch.loss_sum)) {
    return Fail("epoch.loss_sum is {}", totals.epoch.loss_sum);
  }
  return {};
}

}  // namespace

const KeptCell* SweepPosition::Kept(int64_t cell) const {
  const auto found = std::ranges::find(kept, cell, &KeptCell::cell);
  return found == kept.end() ? nullptr : &*found;
}

void SweepPosition::Forget(int64_t cell) {
  std::erase_if(kept, [&](const KeptCell& each) { return each.cell == cell; });
}

Status CheckPosition(const SweepPosition& position, int64_t cells,
                     int64_t train_examples) {
  RETURN_IF_ERROR(CheckCounts(
      {{"serial", position.serial},
       {"cells_done", position.cells_done},
       {"recorded.steps", position.recorded.steps.bytes},
       {"recorded.counters", position.recorded.counters.bytes},
       {"recorded.epochs", position.recorded.epochs.bytes},
       {"recorded.evaluations", position.recorded.evaluations.bytes},
       {"recorded.summary", position.recorded.summary.bytes}}));
  if (position.cells_done > cells) {
    return Fail("cells_done is {} of {}", position.cells_done, cells);
  }
  for (const KeptCell& kept : position.kept) {
    RETURN_IF_ERROR(CheckKept(kept, cells, train_examples));
    if (kept.tensors_serial > position.serial) {
      return Fail("tensors_serial is {} in checkpoint {}", kept.tensors_serial,
                  position.serial);
    }
  }
  return {};
}

}  // namespace batchsweep

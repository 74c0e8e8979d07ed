#include "train/cell_totals.h"

#include <cmath>
#include <limits>

#include "util/check.h"

namespace batchsweep {
namespace {

// Absent as soon as one part of it is.
void AddTo(std::optional<double>& sum, std::optional<double> part) {
  sum = sum && part ? std::optional(*sum + *part) : std::nullopt;
}

double Ratio(double part, int64_t whole) {
  return part / static_cast<double>(whole);
}

std::optional<double> IfFinite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

void SetStepTimes(const StepStatistics& steps, SummaryRecord& record) {
  record.warmup_steps =
      steps.counts.steps_by_flag[static_cast<size_t>(StepFlag::kWarmup)];
  record.flagged_steps = steps.counts.disturbed_steps;
  if (const auto& all = steps.all) {
    record.step_time_median_ns = std::llround(all->median);
    record.step_time_median_low_ns = std::llround(all->median_low);
    record.step_time_median_high_ns = std::llround(all->median_high);
    record.step_time_mad_ns = std::llround(all->mad);
    record.step_time_p5_ns = std::llround(all->p5);
    record.step_time_p95_ns = std::llround(all->p95);
    record.step_time_p99_ns = std::llround(all->p99);
    // A clock of coarse ticks can read the same before a step and behind it.
    if (all->median > 0.0) {
      record.examples_per_second =
          1e9 * static_cast<double>(record.cell.batch_size) / all->median;
    }
  }
  if (const auto& clean = steps.clean) {
    record.clean_step_time_median_ns = std::llround(clean->median);
    record.clean_step_time_p95_ns = std::llround(clean->p95);
  }
}

void SetNoise(const NoiseTotals& noise, EpochRecord& record) {
  record.noise_time_ns = noise.time_ns;
  const auto mean = noise.Mean();
  if (!mean) return;
  record.noise_trace = mean->trace;
  record.noise_gradient_square = mean->gradient_square;
  record.noise_scale = NoiseScale(*mean);
}

}  // namespace

void CellTotals::Add(const EpochMeasurements& measured,
                     const EpochConditions& conditions) {
  CHECK(conditions.flags.size() == measured.steps.size());
  if (measured.measures_noise && !epoch.noise) epoch.noise.emplace();
  for (size_t i = 0; i < measured.steps.size(); ++i) {
    const StepMeasurement& step = measured.steps[i];
    // One by one, so that a resumed epoch adds up to the same bits.
    epoch.loss_sum += step.loss_sum;
    epoch.examples += step.examples;
    epoch.correct = epoch.correct && step.correct
                        ? std::optional(*epoch.correct + *step.correct)
                        : std::nullopt;
    if (epoch.noise) epoch.noise->Add(step.noise, step.noise_time_ns);
    steps.Add(static_cast<float>(step.step_time_ns()), conditions.flags[i]);
  }
  epoch.steps += std::ssize(measured.steps);
  epoch.train_time_ns += measured.train_time_ns;
  AddTo(epoch.energy_joules, conditions.energy_joules);
}

EvaluationRecord CellTotals::Evaluate(const CellKey& cell,
                                      const Validation& validation,
                                      const Target& target) {
  EvaluationRecord record = {
      .cell = cell,
      .step = validation.step,
      .epoch = validation.epoch,
      .examples = validation.examples,
      .train_time_ns = train_time_ns + epoch.train_time_ns,
      .train_energy_joules = train_energy_joules,
      .val_loss = validation.scores.loss,
      .val_accuracy = validation.scores.accuracy,
      .subset_loss = validation.subset_loss,
      .val_time_ns = validation.time_ns};
  epoch.val_time_ns += validation.time_ns;
  AddTo(record.train_energy_joules, epoch.energy_joules);
  if (!steps_to_target && IsReached(target, validation)) {
    steps_to_target = record.step;
    time_to_target_ns = record.train_time_ns;
    energy_to_target_joules = record.train_energy_joules;
  }
  return record;
}

EpochRecord CellTotals::FinishEpoch(const CellKey& cell,
                                    const Validation& validation) {
  CHECK(epoch.steps > 0);
  EpochRecord record = {.cell = cell,
                        .epoch = validation.epoch,
                        .steps = epoch.steps,
                        .train_loss = Ratio(epoch.loss_sum, epoch.examples),
                        .val_loss = validation.scores.loss,
                        .val_accuracy = validation.scores.accuracy,
                        .train_time_ns = epoch.train_time_ns,
                        .val_time_ns = epoch.val_time_ns,
                        .train_energy_joules = epoch.energy_joules};
  if (epoch.correct) {
    record.train_accuracy =
        Ratio(static_cast<double>(*epoch.correct), epoch.examples);
  }
  if (epoch.noise) SetNoise(*epoch.noise, record);
  ++epochs;
  // A loss that is not a number is less than none.
  constexpr double kWorst = std::numeric_limits<double>::infinity();
  if (record.val_loss < best_val_loss.value_or(kWorst)) {
    best_val_loss = record.val_loss;
    best_epoch = record.epoch;
  }
  final_val_loss = record.val_loss;
  final_val_accuracy = record.val_accuracy;
  train_time_ns += epoch.train_time_ns;
  AddTo(train_energy_joules, epoch.energy_joules);
  epoch = {};
  return record;
}

CellSummary Summarize(const CellKey& cell, const CellTotals& totals,
                      const Evaluation& test) {
  CellSummary summary = {
      .record = {.cell = cell,
                 .epochs = totals.epochs,
                 .steps = totals.steps.counts.all_steps,
                 .best_val_loss = totals.best_val_loss,
                 .final_val_loss = IfFinite(totals.final_val_loss),
                 .final_val_accuracy = totals.final_val_accuracy,
                 .test_loss = IfFinite(test.loss),
                 .test_accuracy = test.accuracy,
                 .train_energy_joules = totals.train_energy_joules,
                 .steps_to_target = totals.steps_to_target,
                 .time_to_target_ns = totals.time_to_target_ns,
                 .energy_to_target_joules = totals.energy_to_target_joules},
      .statistics = DescribeSteps(totals.steps)};
  if (totals.best_val_loss) summary.record.best_epoch = totals.best_epoch;
  SetStepTimes(summary.statistics, summary.record);
  return summary;
}

}  // namespace batchsweep

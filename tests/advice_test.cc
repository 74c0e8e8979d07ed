#include "record/advice.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "util/rng.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinRel;
using Sentences = std::vector<std::string>;

constexpr int64_t kMebibyte = 1024 * 1024;
constexpr AdviceTarget kLoss = {.value = 0.36, .given = true};

// What a run recorded, made up.
struct MadeRun {
  std::vector<SummaryRecord> summaries = {};
  std::vector<EvaluationRecord> evaluations = {};
  std::vector<Warning> warnings = {};
  std::optional<AdviceTarget> target = kLoss;
  double sample_hz = 0.0;
  std::optional<int64_t> largest_batch_size = {};

  // A cell that reaches a validation loss of 0.36 after so many seconds, half
  // way between two evaluations, at 10 W.
  SummaryRecord& Add(CellKey cell, double seconds) {
    const auto evaluation = [&](double at, double loss) {
      evaluations.push_back({.cell = cell,
                             .step = 1,
                             .epoch = 1,
                             .examples = 1,
                             .train_time_ns = std::llround(1e9 * at * seconds),
                             .train_energy_joules = 10 * at * seconds,
                             .val_loss = loss,
                             .val_accuracy = 1 - loss});
    };
    evaluation(0.5, 0.5);
    evaluation(0.75, 0.40);
    evaluation(1.25, 0.32);
    evaluation(2.0, 0.36);
    summaries.push_back({.cell = cell,
                         .epochs = 4,
                         .steps = 1000,
                         .best_val_loss = 0.32,
                         .final_val_loss = 0.36,
                         .step_time_median_ns = 1000 * (20 + cell.batch_size),
                         .peak_rss_bytes = (60 + cell.batch_size) * kMebibyte});
    return summaries.back();
  }

  std::optional<Advice> Asked() const {
    return Advise({.summaries = summaries,
                   .evaluations = evaluations,
                   .warnings = warnings,
                   .target = target,
                   .sample_hz = sample_hz,
                   .largest_batch_size = largest_batch_size});
  }
  Sentences Said() const { return Asked()->sentences; }
};

// Batch sizes 8, 32 and 128 with three seeds each; 8 and 32 alike.
MadeRun UsualRun() {
  MadeRun run;
  const std::map<int64_t, std::vector<double>> seconds = {
      {8, {0.83, 0.80, 0.85}},
      {32, {0.76, 0.82, 0.79}},
      {128, {1.30, 1.38, 1.35}}};
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (const auto& [batch_size, times] : seconds) {
      run.Add({.batch_size = batch_size, .seed = seed},
              times[static_cast<size_t>(seed - 1)]);
    }
  }
  return run;
}

// That steps of a cell were flagged, and by what.
void Disturb(MadeRun& run, const CellKey& cell, const char* name,
             int64_t steps) {
  for (SummaryRecord& summary : run.summaries) {
    if (summary.cell == cell) summary.flagged_steps = steps;
  }
  run.warnings.push_back({name, CellName(cell) + ": something happened"});
}

TEST_CASE("a run says which batch size is fastest, and how the others compare",
          "[advice]") {
  const MadeRun run = UsualRun();
  CHECK(run.Said() ==
        Sentences{"32 reaches validation loss 0.36 in 0.79 s (0.75 to 0.83, 3 "
                  "seeds); 8 cannot be told from it; 128 takes 1.7 times as "
                  "long (1.5 to 1.9).",
                  "8 needs the least memory (68.0 MiB); time per example still "
                  "falls at 128."});
  const Advice advice = *run.Asked();
  REQUIRE(advice.answers.size() == 1);
  const ThreadsAdvice& answer = advice.answers[0];
  CHECK(answer.fastest == 32);
  CHECK(answer.seeds == 3);
  REQUIRE(answer.time_to_target_seconds.size() == 3);
  const BatchCost& least = answer.time_to_target_seconds[1];
  CHECK(least.verdict == CostVerdict::kLeast);
  CHECK_THAT(least.value, WithinRel(std::cbrt(0.76 * 0.82 * 0.79), 1e-6));
  CHECK(answer.time_to_target_seconds[0].verdict == CostVerdict::kNotTold);
  CHECK(answer.time_to_target_seconds[2].verdict == CostVerdict::kMore);
  CHECK(answer.least_memory == std::vector<int64_t>{8});
  CHECK(answer.levels_off_at == 128);
  CHECK(answer.energy_to_target_joules.empty());
}

TEST_CASE("batch sizes that cannot be told apart are not enough to tell",
          "[advice]") {
  MadeRun run;
  const std::vector<double> drawn = {0.70, 0.90, 0.80, 0.90, 0.70, 0.75};
  for (size_t i = 0; i < drawn.size(); ++i) {
    SummaryRecord& summary =
        run.Add({.batch_size = i < 3 ? 8 : 32, .seed = i % 3 + 1}, drawn[i]);
    summary.peak_rss_bytes = 60 * kMebibyte + static_cast<int64_t>(i) * 1024;
  }
  CHECK(run.Said() ==
        Sentences{"32 reaches validation loss 0.36 in 0.8 s (0.6 to 1.1, 3 "
                  "seeds); 8 cannot be told from it.",
                  "Not enough to tell which is fastest: run with --seeds 5.",
                  "All need about the same memory (60.0 MiB); time per example "
                  "still falls at 32."});
}

TEST_CASE("one seed is not enough to tell", "[advice]") {
  MadeRun run;
  run.Add({.batch_size = 8, .seed = 1}, 0.80);
  run.Add({.batch_size = 32, .seed = 1}, 0.20);
  CHECK(run.Said() ==
        Sentences{"Not enough to tell which batch size is fastest: run with "
                  "--seeds 5; with one seed, 32 reached validation loss 0.36 "
                  "first, in 0.20 s.",
                  "8 needs the least memory (68.0 MiB); time per example still "
                  "falls at 32."});
  const ThreadsAdvice answer = run.Asked()->answers[0];
  CHECK_FALSE(answer.fastest);
  REQUIRE(answer.time_to_target_seconds.size() == 2);
  const BatchCost& cost = answer.time_to_target_seconds[0];
  CHECK(cost.verdict == CostVerdict::kOneSeed);
  CHECK_FALSE(cost.low);
  CHECK_FALSE(cost.ratio_low);
}

TEST_CASE("one batch size is compared with none", "[advice]") {
  MadeRun run;
  run.Add({.batch_size = 8, .seed = 1}, 0.80);
  CHECK(run.Said() ==
        Sentences{"With one seed, 8 reached validation loss 0.36 in 0.80 s, "
                  "not enough to tell how far that varies: run with --seeds "
                  "5."});
  run.Add({.batch_size = 8, .seed = 2}, 0.81);
  run.Add({.batch_size = 8, .seed = 3}, 0.82);
  CHECK(run.Said() ==
        Sentences{"8 reaches validation loss 0.36 in 0.81 s (0.79 to 0.84, 3 "
                  "seeds)."});
}

TEST_CASE("batch sizes that did not reach the target are named", "[advice]") {
  MadeRun run = UsualRun();
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    run.Add({.batch_size = 512, .seed = seed}, 2.0);
  }
  // All seeds of 512 stop short of it, and one of 128.
  for (EvaluationRecord& evaluation : run.evaluations) {
    const CellKey& cell = evaluation.cell;
    if (cell.batch_size == 512 || (cell.batch_size == 128 && cell.seed == 2)) {
      evaluation.val_loss += 0.1;
    }
  }
  CHECK(run.Said()[0] ==
        "32 reaches validation loss 0.36 in 0.79 s (0.74 to 0.84, 3 seeds); 8 "
        "cannot be told from it; 128 reached it with 2 of 3 seeds only; 512 "
        "did not reach it.");
  run.target = {
      .measure = TargetMeasure::kValAccuracy, .value = 0.95, .given = true};
  CHECK(run.Said()[0] ==
        "Not enough to tell which batch size reaches validation accuracy 0.95 "
        "first: 8, 32, 128 and 512 did not reach it.");
}

TEST_CASE("a batch size that was there by its first evaluation gets no time",
          "[advice]") {
  MadeRun run = UsualRun();
  for (EvaluationRecord& evaluation : run.evaluations) {
    if (evaluation.cell.batch_size != 8) continue;
    evaluation.val_loss = 0.35;
    evaluation.train_time_ns *= 4;  // the first after 1.6 s
  }
  CHECK(run.Said()[0] ==
        "Of those compared, 32 reaches validation loss 0.36 in 0.79 s (0.73 to "
        "0.86, 3 seeds); 128 takes 1.70 times as long (1.65 to 1.75); 8 was "
        "there by its first evaluation (--val-every tells when).");
}

TEST_CASE("a batch size is fastest if it was there before the others were",
          "[advice]") {
  MadeRun run = UsualRun();
  // 16 after 0.3 s at most, 4 after 0.9 s at most.
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    run.Add({.batch_size = 16, .seed = seed}, seed == 1 ? 0.59 : 0.61);
    run.Add({.batch_size = 4, .seed = seed}, 1.8);
  }
  for (EvaluationRecord& evaluation : run.evaluations) {
    const int64_t batch_size = evaluation.cell.batch_size;
    if (batch_size == 16 || batch_size == 4) evaluation.val_loss = 0.35;
  }
  CHECK(run.Said()[0] ==
        "Of those compared, 16 reaches validation loss 0.36 within 0.30 s (3 "
        "seeds); 8 takes at least 2.5 times as long, 32 at least 2.4 times "
        "as long and 128 at least 4.0 times as long; 4 was there by its first "
        "evaluation (--val-every tells when).");
  const BatchCost least = run.Asked()->answers[0].time_to_target_seconds[1];
  CHECK(least.at_most);
  CHECK_FALSE(least.low);
}

TEST_CASE("disturbed cells are left out, which is said", "[advice]") {
  MadeRun run = UsualRun();
  const Sentences undisturbed = run.Said();
  // A quarter of the steps is not yet too much.
  Disturb(run, {.batch_size = 8, .seed = 1}, "load", 250);
  CHECK(run.Said() == undisturbed);
  Disturb(run, {.batch_size = 8, .seed = 1}, "throttled", 251);
  CHECK(run.Said() ==
        Sentences{"32 reaches validation loss 0.36 in 0.80 s (0.73 to 0.88, 2 "
                  "seeds); 8 cannot be told from it; 128 takes 1.7 times as "
                  "long (1.3 to 2.3).",
                  undisturbed[1],
                  "Seed 1 is left out, since not all of these batch sizes have "
                  "it.",
                  "Left out as disturbed: batch size 8, seed 1 (load and "
                  "throttled)."});
  REQUIRE(run.Asked()->left_out.size() == 1);
  CHECK(run.Asked()->left_out[0].reasons == Sentences{"load", "throttled"});
}

TEST_CASE("a cell counts if what was flagged did not change its step time",
          "[advice]") {
  MadeRun run = UsualRun();
  Disturb(run, {.batch_size = 8, .seed = 1}, "load", 900);
  SummaryRecord& summary = run.summaries[0];
  REQUIRE(summary.flagged_steps == 900);
  const auto left_out = [&](int64_t clean_median_ns) {
    summary.clean_step_time_median_ns = clean_median_ns;
    return run.Asked()->left_out.size();
  };
  CHECK(left_out(26'700) == 0);  // of 28 us, 4.6 % less
  CHECK(left_out(26'500) == 1);
  CHECK(left_out(29'500) == 1);
  // 29 steps tell nothing.
  summary.warmup_steps = 71;
  CHECK(left_out(28'000) == 1);
  summary.warmup_steps = 70;
  CHECK(left_out(28'000) == 0);
}

TEST_CASE("a batch size that was disturbed each time is not compared",
          "[advice]") {
  MadeRun run = UsualRun();
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Disturb(run, {.batch_size = 8, .seed = seed}, "swap", 1);
  }
  const Sentences said = run.Said();
  CHECK(said.front() ==
        "Of those compared, 32 reaches validation loss 0.36 in 0.79 s (0.73 to "
        "0.86, 3 seeds); 128 takes 1.70 times as long (1.65 to 1.75); 8 was "
        "disturbed each time.");
  CHECK(said.back() ==
        "Left out as disturbed: batch size 8, seed 1 (swap); 8, seed 2 (swap); "
        "8, seed 3 (swap).");
}

TEST_CASE("a clock below the highest in all cells disturbs none of them",
          "[advice]") {
  MadeRun run = UsualRun();
  Sentences expected = run.Said();
  expected.emplace_back("The CPU ran below its highest clock throughout.");
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (const int64_t batch_size : {8, 32, 128}) {
      Disturb(run, {.batch_size = batch_size, .seed = seed}, "slow_clock", 999);
    }
  }
  CHECK(run.Said() == expected);
  // Load may hit one cell more than another: nothing is left to compare.
  for (Warning& warning : run.warnings) warning.name = "load";
  CHECK(run.Asked()->left_out.size() == 9);
  CHECK(run.Said() ==
        Sentences{"Not enough to tell which batch size reaches validation loss "
                  "0.36 first: 8, 32 and 128 were disturbed each time.",
                  "Left out as disturbed: batch size 8, seed 1 (load); 8, seed "
                  "2 (load); 8, seed 3 (load); and 6 more."});
  run.target.reset();
  CHECK(run.Said()[0] ==
        "Not enough to tell which batch size is fastest: 8, 32 and 128 were "
        "disturbed each time.");
}

TEST_CASE("a batch size that diverged is named", "[advice]") {
  MadeRun run = UsualRun();
  for (SummaryRecord& summary : run.summaries) {
    if (summary.cell == CellKey{.batch_size = 128, .seed = 3}) {
      summary.final_val_loss.reset();
    }
  }
  const std::string said = run.Said()[0];
  CHECK(said.starts_with("32 reaches validation loss 0.36 in 0.79 s ("));
  CHECK(said.ends_with("3 seeds); 8 cannot be told from it; 128 diverged."));
}

TEST_CASE("an interrupted run says what it has", "[advice]") {
  CHECK_FALSE(MadeRun().Asked());
  MadeRun run = UsualRun();
  Sentences expected = run.Said();
  expected.emplace_back(
      "Seed 4 is left out, since not all of these batch sizes have it.");
  // 32 is under way, without a summary.
  run.Add({.batch_size = 8, .seed = 4}, 0.83);
  run.Add({.batch_size = 32, .seed = 4}, 0.79);
  run.summaries.pop_back();
  CHECK(run.Said() == expected);
  MadeRun early;
  early.Add({.batch_size = 8, .seed = 1}, 0.50);
  early.Add({.batch_size = 32, .seed = 1}, 0.80);
  CHECK(early.Said()[0].starts_with("Not enough to tell"));
  early.Add({.batch_size = 128, .seed = 1}, 1.30);
  early.Add({.batch_size = 8, .seed = 2}, 0.51);
  early.Add({.batch_size = 32, .seed = 2}, 0.81);
  CHECK(early.Said()[0] ==
        "Of those compared, 8 reaches validation loss 0.36 in 0.50 s (0.46 to "
        "0.55, 2 seeds); 32 takes 1.6 times as long (1.5 to 1.7); 128 has only "
        "1 seed to compare.");
}

TEST_CASE("batch sizes are compared among the same number of threads",
          "[advice]") {
  MadeRun run;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    const double factor = seed == 1 ? 1.0 : 1.01;
    run.Add({.batch_size = 8, .seed = seed, .threads = 1}, factor);
    run.Add({.batch_size = 8, .seed = seed, .threads = 2}, factor * 4);
    run.Add({.batch_size = 32, .seed = seed, .threads = 1}, factor * 2);
    run.Add({.batch_size = 32, .seed = seed, .threads = 2}, factor * 1.5);
  }
  run.largest_batch_size = 5000;
  const Sentences said = run.Said();
  REQUIRE(said.size() == 4);
  CHECK(said[0].starts_with("With 1 thread, 8 reaches validation loss 0.36"));
  CHECK(said[1] ==
        "With 1 thread, 8 needs the least memory (68.0 MiB); time per example "
        "still falls at 32; the largest batch size that fits is 5000.");
  CHECK(said[2].starts_with("With 2 threads, 32 reaches validation loss 0.36"));
}

TEST_CASE("energy is compared where 60 readings cover each training",
          "[advice]") {
  MadeRun run = UsualRun();
  run.sample_hz = 80;  // 61 in 0.76 s
  CHECK(run.Said()[1] ==
        "32 needs the least energy for that, 7.9 J (7.5 to 8.3, 3 seeds); 8 "
        "cannot be told from it; 128 takes 1.7 times as much (1.5 to 1.9).");
  run.sample_hz = 78;  // 59
  CHECK(run.Asked()->answers[0].energy_to_target_joules.empty());
  CHECK(run.Said() == UsualRun().Said());
  run.sample_hz = 80;
  for (EvaluationRecord& evaluation : run.evaluations) {
    if (evaluation.cell.seed == 3) evaluation.train_energy_joules.reset();
  }
  CHECK(run.Asked()->answers[0].energy_to_target_joules.empty());
}

TEST_CASE("processes that repeat a cell count as one seed", "[advice]") {
  MadeRun run;
  for (int process = 1; process <= 4; ++process) {
    run.Add({.batch_size = 8, .seed = 1, .process = process}, 0.80);
    run.Add({.batch_size = 32, .seed = 1, .process = process}, 0.20);
  }
  CHECK(run.Asked()->answers[0].seeds == 1);
  CHECK_FALSE(run.Asked()->answers[0].fastest);
}

TEST_CASE("time per example levels off where larger batches save no tenth",
          "[advice]") {
  const auto levels_off = [](const std::map<int64_t, int64_t>& step_ns) {
    MadeRun run;
    for (const auto& [batch_size, median] : step_ns) {
      run.Add({.batch_size = batch_size, .seed = 1}, 1).step_time_median_ns =
          median;
    }
    return run.Asked()->answers[0].levels_off_at;
  };
  CHECK(levels_off({{8, 800}, {32, 1600}, {128, 6000}}) == 32);
  CHECK(levels_off({{8, 800}, {32, 1600}, {128, 5000}}) == 128);
  CHECK(levels_off({{8, 800}, {32, 3200}, {128, 20000}}) == 8);
  // In two small steps more than a tenth is saved.
  CHECK(levels_off({{8, 8000}, {32, 29760}, {128, 111000}}) == 32);
  CHECK_FALSE(levels_off({{8, 800}}));
}

TEST_CASE("without a target it is the loss that all trainings reached",
          "[advice]") {
  MadeRun run = UsualRun();
  run.target.reset();
  for (EvaluationRecord& evaluation : run.evaluations) {
    if (evaluation.cell == CellKey{.batch_size = 128, .seed = 2}) {
      evaluation.val_loss += 0.0371;
    }
  }
  // The worst of the best losses is 0.3571, and the first ones are up to
  // 0.5371: 0.0029 is less than a twentieth of the way.
  const Advice advice = *run.Asked();
  CHECK(advice.target->value == 0.36);
  CHECK_FALSE(advice.target->given);
  CHECK(advice.target->measure == TargetMeasure::kValLoss);
  CHECK(advice.sentences[0].starts_with("32 reaches validation loss 0.36 in"));
}

// A loss curve that falls with the root of time, at a speed that is drawn, with
// noise in each evaluation.
void AddCurve(MadeRun& run, const CellKey& cell, double spread, Rng& rng) {
  const double speed = std::exp(spread * rng.Normal());
  double best = 1e9, last = 0;
  for (int epoch = 1; epoch <= 10; ++epoch) {
    last = 0.3 + 0.2 / std::sqrt(speed * epoch) + 0.005 * rng.Normal();
    best = std::min(best, last);
    run.evaluations.push_back(
        {.cell = cell,
         .epoch = epoch,
         .train_time_ns = std::llround(1e8 * epoch * (1 + 0.01 * rng.Normal())),
         .val_loss = last});
  }
  run.summaries.push_back({.cell = cell,
                           .steps = 100,
                           .best_val_loss = best,
                           .final_val_loss = last});
}

TEST_CASE("of 1,000 runs of equal batch sizes at most 5 % say that one is slow",
          "[advice][draws]") {
  for (const double spread : {0.02, 0.2}) {
    Rng rng(3, static_cast<uint64_t>(100 * spread));
    int claims = 0, told = 0;
    for (int repeat = 0; repeat < 1000; ++repeat) {
      MadeRun run;
      run.target.reset();
      for (uint64_t seed = 1; seed <= 3; ++seed) {
        for (const int64_t batch_size : {8, 32, 128}) {
          AddCurve(run, {.batch_size = batch_size, .seed = seed}, spread, rng);
        }
      }
      const Advice advice = *run.Asked();
      told += advice.answers[0].fastest.has_value();
      claims += advice.sentences[0].contains(" times as long");
    }
    INFO("spread " << spread << ": " << claims << " claims in " << told);
    CHECK(claims <= 50);
    CHECK(claims > 0);
    CHECK(told >= 900);
  }
}

}  // namespace
}  // namespace batchsweep

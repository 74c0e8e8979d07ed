#include "sweep/overhead.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <string>
#include <vector>

#include "data/batcher.h"
#include "data/synthetic.h"
#include "kernels/denormals.h"
#include "measure/sampler.h"
#include "model/initializers.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "platform/clock.h"
#include "platform/cores.h"
#include "platform/folder.h"
#include "record/csv_writer.h"
#include "train/epoch_recorder.h"
#include "train/step.h"
#include "train/trainer.h"

namespace batchsweep {
namespace {

constexpr int64_t kBatch = 8;
constexpr int64_t kExamples = 16'000;  // 2000 steps an epoch
// Short, so that both of a pair have the same weather; a block has one or two
// epochs, so that it is sampled more often than a run would be.
constexpr int64_t kBlockNs = 100'000'000;
constexpr int kPairs = 60;

// Nanoseconds of one call: the median of a few blocks of calls.
template <class Call>
double MedianNs(int calls, const Call& call) {
  std::vector<float> blocks;
  for (int block = 0; block < 7; ++block) {
    const int64_t start_ns = MonotonicNs();
    for (int i = 0; i < calls; ++i) call();
    blocks.push_back(static_cast<float>(MonotonicNs() - start_ns) /
                     static_cast<float>(calls));
  }
  return Quantile(blocks, 0.5);
}

// A folder for tables that nobody reads.
class ScratchFolder {
 public:
  ScratchFolder()
      : path_(std::filesystem::temp_directory_path() /
              std::format("batchsweep-overhead-{}", MonotonicNs())) {}
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
};

// Blocks of either kind, in nanoseconds a step by the wall clock.
class Blocks {
 public:
  Blocks(const TrainingData& data, ComputeContext context, Network& network,
         Sensors& sensors, const Counters& counters, double sample_hz,
         Recorder recorder)
      : data_(data),
        context_(context),
        network_(network),
        sensors_(sensors),
        counters_(counters),
        sample_hz_(sample_hz),
        trainer_(data, {.batch_size = kBatch, .budget = {.epochs = 1 << 20}},
                 context, &counters, network),
        recorder_(SampledSources(sensors, counters), std::move(recorder),
                  {.batch_size = kBatch, .seed = 1}) {}

  Result<double> Bare() {
    const ScopedFlushDenormals flush_denormals;
    Batcher batcher(data_.train, {.seed = 1});
    const OptimizerConfig optimizer;
    const StepContext step = {
        .dataset = *data_.train.dataset,
        .optimizer = optimizer,
        .kernels = *context_.kernels,
        .pools = {.load = context_.pool, .update = context_.pool},
        .network = network_};
    int64_t steps = 0, elapsed_ns = 0;
    const int64_t start_ns = MonotonicNs();
    for (int64_t epoch = 1; elapsed_ns < kBlockNs; ++epoch) {
      batcher.StartEpoch(epoch);
      for (auto rows = batcher.Next(kBatch); !rows.empty();
           rows = batcher.Next(kBatch)) {
        RETURN_IF_ERROR(network_.SetBatch(static_cast<int64_t>(rows.size())));
        TrainStep(step, rows, ++step_);
        ++steps;
      }
      elapsed_ns = MonotonicNs() - start_ns;
    }
    return static_cast<double>(elapsed_ns) / static_cast<double>(steps);
  }

  struct MeasuredBlock {
    double step_ns = 0.0;
    double writing_ns = 0.0;
  };
  Result<MeasuredBlock> Measured(std::vector<float>& reported_ns) {
    Sampler sampler(sensors_, sample_hz_);
    int64_t steps = 0, training_ns = 0, writing_ns = 0;
    sampler.Start(counters_);
    while (training_ns < kBlockNs) {
      const int64_t start_ns = MonotonicNs();
      trainer_.Restore({.step = step_});
      RETURN_IF_ERROR(trainer_.TrainEpoch({}));
      const int64_t trained_ns = MonotonicNs();
      const EpochMeasurements& measured = trainer_.measurements();
      RETURN_IF_ERROR(
          recorder_.Record(sampler.Take({CurrentCore()}), measured));
      writing_ns += MonotonicNs() - trained_ns;
      training_ns += trained_ns - start_ns;
      step_ = trainer_.position().step;
      for (const StepMeasurement& step : measured.steps) {
        reported_ns.push_back(static_cast<float>(step.step_time_ns()));
      }
      steps += std::ssize(measured.steps);
    }
    return MeasuredBlock{.step_ns = static_cast<double>(training_ns) /
                                    static_cast<double>(steps),
                         .writing_ns = static_cast<double>(writing_ns) /
                                       static_cast<double>(steps)};
  }

 private:
  const TrainingData& data_;
  const ComputeContext context_;
  Network& network_;
  Sensors& sensors_;
  const Counters& counters_;
  const double sample_hz_;
  Trainer trainer_;
  EpochRecorder recorder_;
  int64_t step_ = 0;  // that Adam is at
};

Result<OverheadComparison> Alternate(Blocks& blocks) {
  std::vector<float> bare_ns, measured_ns, writing_ns, reported_ns, overheads;
  RETURN_IF_ERROR(blocks.Bare());  // the warm-up
  for (int pair = 0; pair < kPairs; ++pair) {
    // Which of the two goes first is taken in turns too.
    double bare = 0.0;
    Blocks::MeasuredBlock measured;
    for (int half = 0; half < 2; ++half) {
      if ((pair + half) % 2 == 0) {
        ASSIGN_OR_RETURN(bare, blocks.Bare());
      } else {
        ASSIGN_OR_RETURN(measured, blocks.Measured(reported_ns));
      }
    }
    bare_ns.push_back(static_cast<float>(bare));
    measured_ns.push_back(static_cast<float>(measured.step_ns));
    writing_ns.push_back(static_cast<float>(measured.writing_ns));
    overheads.push_back(static_cast<float>(measured.step_ns / bare - 1.0));
  }
  const Interval interval = MedianInterval(overheads);
  return OverheadComparison{.pairs = kPairs,
                            .bare_step_ns = Quantile(bare_ns, 0.5),
                            .measured_step_ns = Quantile(measured_ns, 0.5),
                            .overhead = Quantile(overheads, 0.5),
                            .overhead_interval = interval,
                            .writing_step_ns = Quantile(writing_ns, 0.5),
                            .reported_step_ns = Quantile(reported_ns, 0.5)};
}

// With as many digits as a real one.
StepRecord UsualRecord() {
  return {.cell = {.batch_size = 8},
          .examples = 8,
          .loss = 0.123456f,
          .accuracy = 0.875f,
          .start_unix_ns = MonotonicNs(),
          .step_time_ns = 30'000,
          .load_time_ns = 3'000,
          .forward_time_ns = 10'000,
          .backward_time_ns = 10'000,
          .update_time_ns = 7'000,
          .board = {.rss_bytes = 64 << 20,
                    .peak_rss_bytes = 64 << 20,
                    .cpu_temp_celsius = 48.312,
                    .cpu_freq_hz = 1.8e9,
                    .power_watts = 4.321,
                    .energy_joules = 1.23e-4}};
}

}  // namespace

RunInfo::Overhead MeasureOverhead(Sensors& sensors, const Counters& counters) {
  RunInfo::Overhead cost;
  StepRecord record = UsualRecord();
  std::string rows;
  rows.reserve(1 << 16);
  CsvRows<StepRecord> writer;
  cost.step_recording_ns = MedianNs(200, [&] {
    if (rows.size() > 1 << 15) rows.clear();
    ++record.step;
    record.loss *= 0.999f;
    record.board.energy_joules = *record.board.energy_joules * 0.999;
    record.start_unix_ns += 30'123;
    for (int64_t* time_ns :
         {&record.step_time_ns, &record.load_time_ns, &record.forward_time_ns,
          &record.backward_time_ns, &record.update_time_ns}) {
      *time_ns += 1;
    }
    writer.Append(record, rows);
  });
  Sampler sampler(sensors, /*sample_hz=*/0.001);
  sampler.Start(counters);
  cost.sensors_reading_ns = MedianNs(1, [&] { sampler.Take({}); });
  if (counters.any()) {
    cost.counters_reading_ns = MedianNs(20, [&] { counters.Read(); });
  }
  return cost;
}

Result<OverheadComparison> CompareOverhead(const Kernels& kernels,
                                           Sensors& sensors, double sample_hz) {
  ASSIGN_OR_RETURN(const ModelSpec model,
                   ParseKerasJson(FindZooModel("mlp")->json, "mlp"));
  const DataSource source = MakeSynthetic({.example_shape = model.input_shape,
                                           .class_count = 10,
                                           .train_size = kExamples,
                                           .test_size = kBatch});
  const ExampleRange train = {&source.train, 0, kExamples};
  const TrainingData data = {
      .train = train, .validation = train, .test = train};
  const ScratchFolder folder;
  RETURN_IF_ERROR(MakeWritableFolder(folder.path()));
  const Counters counters;
  ASSIGN_OR_RETURN(Recorder recorder,
                   Recorder::Create(folder.path(), counters.any()));
  ThreadPool pool(1);
  const ComputeContext context = {.kernels = &kernels, .pool = &pool};
  ASSIGN_OR_RETURN(
      NetworkPlan plan,
      PlanNetwork(model, {.max_batch = kBatch, .optimizer_slots = 2}, context));
  ASSIGN_OR_RETURN(Network network, Network::Allocate(std::move(plan)));
  network.SetWeights(DrawWeights(ModelParams(model), 1));
  Blocks blocks(data, context, network, sensors, counters, sample_hz,
                std::move(recorder));
  return Alternate(blocks);
}

}  // namespace batchsweep

#include "sweep/kernel_choices.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "graph/kernel_chooser.h"
#include "graph/network_builder.h"
#include "record/earlier_run.h"
#include "util/enum_names.h"
#include "xnn/thread_pool.h"

namespace batchsweep {
namespace {

// The pools of all numbers of threads, and a case for each batch size.
struct Cases {
  std::vector<std::unique_ptr<ThreadPool>> pools;
  std::vector<TrialCase> cases;
};

Cases CasesOf(const SweepConfig& config,
              std::span<const int64_t> other_batches) {
  Cases all;
  for (const int threads : config.threads) {
    all.pools.push_back(std::make_unique<ThreadPool>(threads));
    for (const int64_t batch_size : config.batch_sizes) {
      TrialCase& one = all.cases.emplace_back();
      one.batch_size = batch_size;
      one.pool = all.pools.back().get();
      for (const int64_t other : other_batches) {
        if (other < batch_size) one.other_batches.push_back(other);
      }
    }
  }
  return all;
}

KernelRecord RecordOf(const TrialCase& one, const OperationTrial& trial) {
  KernelRecord record{.batch_size = one.batch_size,
                      .threads = one.pool->threads(),
                      .layer = trial.layer,
                      .direction = NameOf(trial.direction),
                      .library = NameOf(trial.chosen),
                      .multiply_adds = trial.multiply_adds};
  for (const BodyTrial& body : trial.bodies) {
    const auto time_ns =
        body.step_ns > 0 ? std::optional(body.step_ns) : std::nullopt;
    switch (body.library) {
      case Library::kXnnpack:
        record.xnnpack_time_ns = time_ns;
        if (trial.bodies.size() > 1) record.equal_bits = body.equal_bits;
        break;
      case Library::kOwn:
        record.own_time_ns = time_ns;
        break;
    }
  }
  return record;
}

BuildOptions BuildOptionsOf(const SweepConfig& config) {
  return {.fuses_updates = config.updates == WeightUpdates::kFused};
}

Result<std::vector<KernelRecord>> TimeKernels(
    const SweepConfig& config, const Kernels& kernels,
    std::span<const int64_t> other_batches, LoneBodies lone_bodies) {
  const Cases all = CasesOf(config, other_batches);
  TimedKernels timed(all.cases, lone_bodies);
  RETURN_IF_ERROR(BuildNetwork(config.model, BuildOptionsOf(config),
                               {.kernels = &kernels,
                                .pool = all.pools.front().get(),
                                .chooser = &timed}));
  std::vector<KernelRecord> records;
  for (size_t i = 0; i < all.cases.size(); ++i) {
    for (const OperationTrial& trial : timed.results()[i]) {
      records.push_back(RecordOf(all.cases[i], trial));
    }
  }
  return records;
}

// Asks another chooser, and keeps what it answered.
class KeptChoices final : public KernelChooser {
 public:
  KeptChoices(KernelChooser& chooser, int64_t batch_size, int threads,
              std::vector<KernelRecord>& records)
      : chooser_(chooser),
        batch_size_(batch_size),
        threads_(threads),
        records_(records) {}

  Result<Library> Choose(const OperationShape& shape,
                         std::span<const OperationBody> bodies) override {
    ASSIGN_OR_RETURN(const Library library, chooser_.Choose(shape, bodies));
    records_.push_back({.batch_size = batch_size_,
                        .threads = threads_,
                        .layer = shape.layer,
                        .direction = NameOf(shape.direction),
                        .library = NameOf(library),
                        .multiply_adds = shape.multiply_adds});
    return library;
  }

 private:
  KernelChooser& chooser_;
  const int64_t batch_size_;
  const int threads_;
  std::vector<KernelRecord>& records_;
};

// What `chooser_of(batch size, threads)` decides without a trial.
template <class ChooserOf>
Result<std::vector<KernelRecord>> AskKernels(const SweepConfig& config,
                                             const Kernels& kernels,
                                             const ChooserOf& chooser_of) {
  std::vector<KernelRecord> records;
  ThreadPool pool(1);
  for (const int threads : config.threads) {
    for (const int64_t batch_size : config.batch_sizes) {
      ASSIGN_OR_RETURN(const auto chooser, chooser_of(batch_size, threads));
      KeptChoices kept(*chooser, batch_size, threads, records);
      RETURN_IF_ERROR(
          BuildNetwork(config.model, BuildOptionsOf(config),
                       {.kernels = &kernels, .pool = &pool, .chooser = &kept}));
    }
  }
  return records;
}

Result<std::vector<KernelRecord>> PreferKernels(const SweepConfig& config,
                                                const Kernels& kernels,
                                                Library library) {
  return AskKernels(
      config, kernels,
      [&](int64_t, int) -> Result<std::unique_ptr<KernelChooser>> {
        return std::make_unique<PreferredKernels>(library);
      });
}

// What the run of a run.json computed with.
Result<std::vector<KernelRecord>> KernelsOfFile(const SweepConfig& config,
                                                const Kernels& kernels) {
  const std::string file = config.kernels.file.string();
  ASSIGN_OR_RETURN(const auto records, ReadKernels(config.kernels.file));
  ASSIGN_OR_RETURN(const auto choices, ChoicesOf(records));
  return AskKernels(
      config, kernels,
      [&](int64_t batch_size,
          int threads) -> Result<std::unique_ptr<KernelChooser>> {
        const NetworkChoices* const found =
            ChoicesFor(choices, batch_size, threads);
        if (found == nullptr || found->batch_size != batch_size ||
            found->threads != threads) {
          return Fail(
              "--kernels {}: has none for batch size {} and {} threads; name "
              "a run of these or let the fastest be found",
              file, batch_size, threads);
        }
        return std::make_unique<ChosenKernels>(*found);
      });
}

}  // namespace

Result<std::vector<KernelRecord>> ChooseKernels(
    const SweepConfig& config, const Kernels& kernels,
    std::span<const int64_t> other_batches, LoneBodies lone_bodies) {
  switch (config.kernels.kind) {
    case KernelSelection::Kind::kFastest:
      return TimeKernels(config, kernels, other_batches, lone_bodies);
    case KernelSelection::Kind::kXnnpack:
      return PreferKernels(config, kernels, Library::kXnnpack);
    case KernelSelection::Kind::kOwn:
      return PreferKernels(config, kernels, Library::kOwn);
    case KernelSelection::Kind::kFile:
      return KernelsOfFile(config, kernels);
  }
  std::unreachable();
}

std::vector<int64_t> OtherBatches(const SweepConfig& config,
                                  const TrainingData& data) {
  std::vector<int64_t> batches;
  const ExampleRange subset =
      data.train.First(config.target_examples.value_or(0));
  for (const int64_t examples : {data.train.size(), data.validation.size(),
                                 data.test.size(), subset.size()}) {
    for (const int64_t batch_size : config.batch_sizes) {
      const int64_t left = examples % batch_size;
      if (left > 0 && !std::ranges::contains(batches, left)) {
        batches.push_back(left);
      }
    }
  }
  return batches;
}

Result<std::vector<NetworkChoices>> ChoicesOf(
    std::span<const KernelRecord> records) {
  std::vector<NetworkChoices> all;
  for (const KernelRecord& record : records) {
    const auto direction = ParseEnum<Direction>(record.direction);
    const auto library = ParseEnum<Library>(record.library);
    if (!direction || !library) {
      return Fail(
          "the kernels of a run have \"{}\" by \"{}\" for layer \"{}\": "
          "expected those that batchsweep wrote",
          record.direction, record.library, record.layer);
    }
    if (all.empty() || all.back().batch_size != record.batch_size ||
        all.back().threads != record.threads) {
      all.push_back(
          {.batch_size = record.batch_size, .threads = record.threads});
    }
    all.back().operations.push_back(
        {.layer = record.layer, .direction = *direction, .library = *library});
  }
  return all;
}

const NetworkChoices* ChoicesFor(std::span<const NetworkChoices> choices,
                                 int64_t batch_size, int threads) {
  const NetworkChoices* nearest = nullptr;
  for (const NetworkChoices& one : choices) {
    if (one.batch_size == batch_size && one.threads == threads) return &one;
    if (nearest == nullptr || (one.batch_size <= batch_size &&
                               one.batch_size > nearest->batch_size)) {
      nearest = &one;
    }
  }
  return nearest;
}

std::optional<ChosenKernels> ChooserFor(std::span<const NetworkChoices> choices,
                                        int64_t batch_size, int threads) {
  const NetworkChoices* const found = ChoicesFor(choices, batch_size, threads);
  if (found == nullptr) return std::nullopt;
  return std::optional<ChosenKernels>(std::in_place, *found);
}

MultiplyAdds WorkOf(std::span<const KernelRecord> records, int64_t batch_size,
                    int threads) {
  MultiplyAdds work;
  for (const KernelRecord& record : records) {
    if (record.batch_size != batch_size || record.threads != threads) continue;
    work.all += record.multiply_adds;
    if (record.library == NameOf(Library::kXnnpack)) {
      work.xnnpack += record.multiply_adds;
    }
  }
  return work;
}

}  // namespace batchsweep

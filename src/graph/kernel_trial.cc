#include "graph/kernel_trial.h"

#include <algorithm>
#include <memory>

#include "graph/arithmetic.h"
#include "graph/trial_bench.h"
#include "kernels/denormals.h"

namespace batchsweep {
namespace {

// A body is timed until so much was spent on it, but twice in any case.
constexpr int64_t kEnoughNs = 2'000'000;
constexpr int kLeastRounds = 2;

// The tensors of a slice take at most so much: of larger batches, as many
// examples are tried as fit, and their time is scaled up.
constexpr int64_t kMostTensorBytes = 16 * 1024 * 1024;

// So many examples of a batch have room.
int64_t TriedExamples(const OperationShape& shape, int64_t batch) {
  const int64_t bytes = 2 * (shape.in + shape.out) * kFloatBytes;
  return std::clamp<int64_t>(kMostTensorBytes / bytes, 1, batch);
}

// XNNPACK is what the others are measured against; but where its gradient costs
// the optimizer more than ours, it has to make up for that.
Library FavouredFor(const OperationShape& shape) {
  const bool ours_saves_traffic = shape.direction == Direction::kWeightGrads &&
                                  shape.weight_grads_fuse_update;
  return ours_saves_traffic ? Library::kOwn : Library::kXnnpack;
}

bool IsOwn(const OperationBody& body) { return body.library == Library::kOwn; }

// All bodies of one product.
class Contest {
 public:
  static Result<Contest> Create(const OperationShape& shape,
                                std::span<const OperationBody> bodies,
                                std::span<const TrialCase> cases) {
    int64_t most_examples = 1;
    int64_t most_threads = 1;
    for (const TrialCase& one : cases) {
      most_examples =
          std::max(most_examples, TriedExamples(shape, one.batch_size));
      most_threads = std::max<int64_t>(most_threads, one.pool->threads());
    }
    Contest contest(shape, bodies);
    for (const OperationBody& body : bodies) {
      ASSIGN_OR_RETURN(
          TrialBench bench,
          TrialBench::Create(shape, body, most_examples, most_threads));
      contest.room_ = std::max(contest.room_, bench.room());
      contest.benches_.push_back(std::move(bench));
    }
    ASSIGN_OR_RETURN(SharedTensors shared,
                     SharedTensors::Create(shape, contest.room_));
    contest.shared_ = std::make_unique<SharedTensors>(std::move(shared));
    for (TrialBench& bench : contest.benches_) bench.Bind(*contest.shared_);
    return contest;
  }

  Result<OperationTrial> Run(const TrialCase& one) {
    OperationTrial trial{.layer = shape_.layer,
                         .direction = shape_.direction,
                         .multiply_adds = shape_.multiply_adds};
    for (const OperationBody& body : bodies_) {
      trial.bodies.push_back({.library = body.library});
    }
    RETURN_IF_ERROR(CompareBits(one, trial));
    RETURN_IF_ERROR(TimeBodies(one, trial));
    trial.chosen = FastestOf(trial.bodies, FavouredFor(shape_));
    return trial;
  }

 private:
  Contest(const OperationShape& shape, std::span<const OperationBody> bodies)
      : shape_(shape), bodies_(bodies) {}

  Status CompareBits(const TrialCase& one, OperationTrial& trial) {
    const auto own = std::ranges::find_if(bodies_, IsOwn);
    if (own == bodies_.end()) return {};
    TrialBench& ours = benches_[static_cast<size_t>(own - bodies_.begin())];
    for (size_t i = 0; i < benches_.size(); ++i) {
      TrialBench& other = benches_[i];
      if (&other == &ours) continue;
      for (const int64_t examples : Together(one, ours, other)) {
        ASSIGN_OR_RETURN(const Checksum want,
                         ours.OutputOf(examples, *one.pool));
        ASSIGN_OR_RETURN(const Checksum found,
                         other.OutputOf(examples, *one.pool));
        trial.bodies[i].equal_bits &= found == want;
      }
    }
    return {};
  }

  // The numbers of examples that either body is run with at a time: whole
  // slices of each batch, and the last ones.
  std::vector<int64_t> Together(const TrialCase& one, const TrialBench& ours,
                                const TrialBench& other) const {
    std::vector<int64_t> batches = one.other_batches;
    batches.push_back(one.batch_size);
    std::vector<int64_t> counts;
    for (const int64_t batch : batches) {
      const int64_t tried = TriedExamples(shape_, batch);
      for (const TrialBench* const bench : {&ours, &other}) {
        const int64_t slice = bench->SliceOf(tried, one.pool->threads());
        for (const int64_t count : {slice, tried % slice}) {
          const int64_t fitting = std::min({count, ours.room(), other.room()});
          if (fitting > 0 && !std::ranges::contains(counts, fitting)) {
            counts.push_back(fitting);
          }
        }
      }
    }
    return counts;
  }

  Status TimeBodies(const TrialCase& one, OperationTrial& trial) {
    const int64_t tried = TriedExamples(shape_, one.batch_size);
    for (TrialBench& bench : benches_) {
      RETURN_IF_ERROR(bench.SetBatch(tried, *one.pool));
    }
    const auto is_done = [](const TrialBench& bench) {
      return bench.spent_ns() >= kEnoughNs;
    };
    for (int round = 0;
         round < kLeastRounds || !std::ranges::all_of(benches_, is_done);
         ++round) {
      for (TrialBench& bench : benches_) {
        if (round < kLeastRounds || !is_done(bench)) bench.TimeOnce();
      }
    }
    for (size_t i = 0; i < benches_.size(); ++i) {
      trial.bodies[i].step_ns = benches_[i].StepNs() * one.batch_size / tried;
    }
    return {};
  }

  const OperationShape& shape_;
  const std::span<const OperationBody> bodies_;
  std::unique_ptr<SharedTensors> shared_;
  std::vector<TrialBench> benches_;
  int64_t room_ = 1;  // examples in the shared tensors
};

Result<std::vector<OperationTrial>> Try(const OperationShape& shape,
                                        std::span<const OperationBody> bodies,
                                        std::span<const TrialCase> cases) {
  // As within a step.
  const ScopedFlushDenormals flush;
  ASSIGN_OR_RETURN(Contest contest, Contest::Create(shape, bodies, cases));
  std::vector<OperationTrial> trials;
  for (const TrialCase& one : cases) {
    ASSIGN_OR_RETURN(OperationTrial trial, contest.Run(one));
    trials.push_back(std::move(trial));
  }
  return trials;
}

// What there is to say of a body that is chosen without running any.
OperationTrial Untried(const OperationShape& shape, Library library) {
  return {.layer = shape.layer,
          .direction = shape.direction,
          .multiply_adds = shape.multiply_adds,
          .bodies = {{.library = library}},
          .chosen = library};
}

}  // namespace

Library FastestOf(std::span<const BodyTrial> bodies, Library favoured) {
  const auto of = [&](Library library) {
    return std::ranges::find(bodies, library, &BodyTrial::library);
  };
  const auto own = of(Library::kOwn);
  const auto xnnpack = of(Library::kXnnpack);
  if (own == bodies.end()) return Library::kXnnpack;
  if (xnnpack == bodies.end() || !xnnpack->equal_bits) return Library::kOwn;
  const auto& [first, second] = favoured == Library::kOwn
                                    ? std::pair(own, xnnpack)
                                    : std::pair(xnnpack, own);
  return second->step_ns * 10 <= first->step_ns * 9 ? second->library
                                                    : first->library;
}

Result<Library> TimedKernels::Choose(const OperationShape& shape,
                                     std::span<const OperationBody> bodies) {
  const Library untried = std::ranges::any_of(bodies, IsOwn)
                              ? Library::kOwn
                              : bodies.front().library;
  const bool is_tried = bodies.size() > 1 || lone_bodies_ == LoneBodies::kTime;
  // Too little memory for a trial is no reason not to train: ours computes
  // then. What cannot be created at all is told by whoever plans the network.
  Result<std::vector<OperationTrial>> trials = std::vector<OperationTrial>();
  if (is_tried) trials = Try(shape, bodies, cases_);
  for (size_t i = 0; i < cases_.size(); ++i) {
    results_[i].push_back(trials && !trials->empty() ? (*trials)[i]
                                                     : Untried(shape, untried));
  }
  return untried;
}

}  // namespace batchsweep

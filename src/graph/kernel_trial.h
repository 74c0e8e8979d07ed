// KernelTrial: which body of each product is the fastest on this machine.
//
// A product's bodies run on made-up data of the product's own shape, by turns,
// for some milliseconds each. What counts is the time that a step spends in
// them: a pass over the batch and, of XNNPACK's, the packed weights rewritten
// once. XNNPACK computes unless ours is at least a tenth faster; that is more
// than a neighbour's noise makes of such times.
//
// A choice must not change results. So the bodies' bits are compared first, at
// each number of examples that a run will have. Where they differ, time decides
// nothing: ours computes, on every machine of this kind and in each run.
#ifndef BATCHSWEEP_GRAPH_KERNEL_TRIAL_H_
#define BATCHSWEEP_GRAPH_KERNEL_TRIAL_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/kernel_chooser.h"
#include "platform/error.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// What is found out of one body.
struct BodyTrial {
  Library library = Library::kOwn;
  int64_t step_ns = 0;     // in a training step; 0 if it was not timed
  bool equal_bits = true;  // to those of our body
};

struct OperationTrial {
  std::string layer;
  Direction direction = Direction::kForward;
  int64_t multiply_adds = 0;      // of an example
  std::vector<BodyTrial> bodies;  // all that there are
  Library chosen = Library::kOwn;
};

// The rule above: the other library's body has to be a tenth faster than that
// of the `favoured` one. REQUIRES: `bodies` is not empty.
Library FastestOf(std::span<const BodyTrial> bodies, Library favoured);

// For whom bodies are tried.
struct TrialCase {
  int64_t batch_size = 1;
  std::vector<int64_t> other_batches;  // smaller ones that a run has too
  ThreadPool* pool = nullptr;          // the threads that will compute
};

// Whether a body that has no other is timed too, to be shown.
enum class LoneBodies { kSkip, kTime };

// Tries the bodies of each product that it is asked of, for all cases. What it
// answers is of no meaning: the network that is built with it is to be thrown
// away, and that to train with built with results().
class TimedKernels final : public KernelChooser {
 public:
  TimedKernels(std::vector<TrialCase> cases, LoneBodies lone_bodies)
      : cases_(std::move(cases)),
        lone_bodies_(lone_bodies),
        results_(cases_.size()) {}

  Result<Library> Choose(const OperationShape& shape,
                         std::span<const OperationBody> bodies) override;

  // The products in the order in which they were asked of, for each case.
  const std::vector<std::vector<OperationTrial>>& results() const {
    return results_;
  }

 private:
  const std::vector<TrialCase> cases_;
  const LoneBodies lone_bodies_;
  std::vector<std::vector<OperationTrial>> results_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_KERNEL_TRIAL_H_

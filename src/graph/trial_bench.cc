#include "graph/trial_bench.h"

#include <utility>
#include <vector>

#include "graph/arithmetic.h"
#include "platform/clock.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

// Made-up values in (-1, 1), the same for the same tensor of each body. They
// repeat after a prime number, which no row of a tensor is a multiple of.
void FillWithValues(uint64_t stream, float* values, int64_t count) {
  constexpr int64_t kPeriod = 4093;
  Rng rng(1, stream);
  const int64_t drawn = std::min(count, kPeriod);
  for (int64_t i = 0; i < drawn; ++i) {
    values[i] = static_cast<float>(2.0 * rng.Uniform() - 1.0);
  }
  for (int64_t i = drawn; i < count; ++i) values[i] = values[i - kPeriod];
}

}  // namespace

Result<SharedTensors> SharedTensors::Create(const OperationShape& shape,
                                            int64_t examples) {
  MemoryPlanner planner;
  const auto add = [&](int64_t floats) {
    return planner.Add("trial", MemoryClass::kActivations, floats * kFloatBytes,
                       0, 0);
  };
  const int x = add(examples * shape.in);
  const int y = add(examples * shape.out);
  const int dy = add(examples * shape.out);
  const int dx = add(examples * shape.in);
  std::vector<int> params;
  std::vector<int> grads;
  for (const int64_t floats : shape.params) {
    params.push_back(add(floats));
    grads.push_back(add(floats));
  }
  planner.Plan();
  SharedTensors shared;
  ASSIGN_OR_RETURN(shared.block_, AllocateAligned(planner.arena_bytes()));
  const Arena arena(planner, shared.block_.get());
  LayerTensors& tensors = shared.tensors_;
  tensors.x.push_back(arena.Floats(x));
  tensors.y = arena.Floats(y);
  tensors.dy = arena.Floats(dy);
  tensors.dx.push_back(arena.Floats(dx));
  for (size_t i = 0; i < params.size(); ++i) {
    tensors.params.push_back(arena.Floats(params[i]));
    tensors.grads.push_back(arena.Floats(grads[i]));
    FillWithValues(i, tensors.params[i], shape.params[i]);
  }
  FillWithValues(params.size(), arena.Floats(x), examples * shape.in);
  FillWithValues(params.size() + 1, tensors.dy, examples * shape.out);
  return shared;
}

Checksum SharedTensors::OutputOf(const OperationShape& shape,
                                 int64_t examples) const {
  const auto checksum = [](const float* begin, int64_t count) {
    return ChecksumOf({reinterpret_cast<const char*>(begin),
                       static_cast<size_t>(count * kFloatBytes)});
  };
  switch (shape.direction) {
    case Direction::kForward:
      return checksum(tensors_.y, examples * shape.out);
    case Direction::kInputGrad:
      return checksum(tensors_.dx[0], examples * shape.in);
    case Direction::kWeightGrads:
      return checksum(tensors_.grads[0], shape.params[0]);
  }
  std::unreachable();
}

Result<TrialBench> TrialBench::Create(const OperationShape& shape,
                                      const OperationBody& body,
                                      int64_t most_examples,
                                      int64_t most_threads) {
  TrialBench bench(shape);
  ASSIGN_OR_RETURN(bench.operation_, body.create());
  bench.room_ = bench.SliceOf(most_examples, most_threads);
  // All memory is there at once; the moments are those of a step.
  const PlanContext context{.max_batch = most_examples,
                            .forward = 0,
                            .backward = 1,
                            .end = 2,
                            .wants_dx = true,
                            .planner = *bench.planner_};
  RETURN_IF_ERROR(bench.operation_->Plan(context, bench.room_));
  bench.planner_->Plan();
  ASSIGN_OR_RETURN(bench.block_,
                   AllocateAligned(bench.planner_->arena_bytes()));
  return bench;
}

void TrialBench::Bind(const SharedTensors& shared) {
  shared_ = &shared;
  operation_->Bind(shared.tensors(), {*planner_, block_.get()});
}

Result<Checksum> TrialBench::OutputOf(int64_t examples, ThreadPool& pool) {
  RETURN_IF_ERROR(operation_->SetBatch(examples, examples, pool));
  operation_->WeightsChanged();
  operation_->Run(shared_->Slice(0, examples));
  return shared_->OutputOf(*shape_, examples);
}

Status TrialBench::SetBatch(int64_t batch, ThreadPool& pool) {
  batch_ = batch;
  slice_ = SliceOf(batch, pool.threads());
  refresh_ns_ = first_ns_ = next_ns_ = INT64_MAX;
  spent_ns_ = 0;
  return operation_->SetBatch(batch, slice_, pool);
}

void TrialBench::TimeOnce() {
  const int64_t begin_ns = MonotonicNs();
  operation_->WeightsChanged();
  const int64_t refreshed_ns = MonotonicNs();
  operation_->Run(shared_->Slice(0, std::min(slice_, batch_)));
  const int64_t first_done_ns = MonotonicNs();
  if (batch_ > slice_) operation_->Run(shared_->Slice(slice_, NextSlice()));
  const int64_t end_ns = MonotonicNs();
  refresh_ns_ = std::min(refresh_ns_, refreshed_ns - begin_ns);
  first_ns_ = std::min(first_ns_, first_done_ns - refreshed_ns);
  next_ns_ = std::min(next_ns_, end_ns - first_done_ns);
  spent_ns_ += end_ns - begin_ns;
}

int64_t TrialBench::StepNs() const {
  const int64_t once_ns = refresh_ns_ + first_ns_;
  if (batch_ <= slice_) return once_ns;
  return once_ns + next_ns_ * (batch_ - slice_) / NextSlice();
}

}  // namespace batchsweep

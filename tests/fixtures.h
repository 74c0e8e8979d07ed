// What several tests build: an engine, small models, small data.
#ifndef BATCHSWEEP_TESTS_FIXTURES_H_
#define BATCHSWEEP_TESTS_FIXTURES_H_

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "graph/network.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "model/safetensors.h"
#include "train/cell_totals.h"
#include "train/trainer.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// This CPU's kernels and `threads` threads, for as long as it lives.
class TestEngine {
 public:
  explicit TestEngine(int threads = 1);
  ComputeContext context() { return {kernels_, &pool_}; }

 private:
  const Kernels* kernels_;
  ThreadPool pool_;
};

// A dense layer each, in -> units[0] -> ..., the last with softmax.
ModelSpec DenseModel(int64_t in, std::initializer_list<DenseSpec> layers);

// A network of `model`, allocated, with weights drawn from `seed`.
Network MakeNetwork(const ModelSpec& model, const NetworkOptions& options,
                    ComputeContext context, uint64_t seed = 1);

// The first 2,048 training and 1,000 test images of Fashion-MNIST if Debian's
// package dataset-fashion-mnist is installed; absent otherwise.
std::optional<DataSource> FashionMnist();

// The parts of `source` that a sweep uses, validating on the test set.
TrainingData Parts(const DataSource& source, int64_t train_examples,
                   int64_t test_examples);

// The rows of the last TrainEpoch(), without what the board's state adds.
std::vector<StepRecord> RecordsOf(const Trainer& trainer);

// Takes the last TrainEpoch() into `totals`, as of a board without sensors.
void AddEpoch(const Trainer& trainer, CellTotals& totals);

// The same, then validates and closes the epoch under way.
EpochRecord FinishEpoch(Trainer& trainer, CellTotals& totals);

// Copies of a network's weights.
std::vector<NamedTensor> WeightsOf(Network& network);

// As a safetensors file.
Result<Checksum> WriteTensors(const std::filesystem::path& path,
                              std::vector<NamedTensor> tensors);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_FIXTURES_H_

#include "tests/fixtures.h"

#include "data/source.h"
#include "model/initializers.h"
#include "platform/cpu.h"
#include "xnn/operator.h"

namespace batchsweep {

TestEngine::TestEngine(int threads)
    : kernels_(&KernelsFor(DetectCpu().value().isa)), pool_(threads) {
  xnn::Initialize().value();
}

ModelSpec DenseModel(int64_t in, std::initializer_list<DenseSpec> layers) {
  ModelSpec model{.name = "test", .input_shape = {{in}}, .layers = {}};
  for (DenseSpec layer : layers) {
    layer.name = "dense_" + std::to_string(model.layers.size());
    model.layers.emplace_back(std::move(layer));
  }
  return model;
}

Network MakeNetwork(const ModelSpec& model, const NetworkOptions& options,
                    ComputeContext context, uint64_t seed) {
  Network network =
      Network::Allocate(PlanNetwork(model, options, context).value()).value();
  network.SetWeights(DrawWeights(ModelParams(model), seed));
  return network;
}

std::optional<DataSource> FashionMnist() {
  auto source = LoadSource("fashion-mnist", {});
  if (!source) return std::nullopt;
  return *std::move(source);
}

TrainingData Parts(const DataSource& source, int64_t train_examples,
                   int64_t test_examples) {
  return {.train = {&source.train, 0, train_examples},
          .validation = {&source.test, 0, test_examples},
          .test = {&source.test, 0, test_examples}};
}

std::vector<StepRecord> RecordsOf(const Trainer& trainer) {
  const EpochMeasurements& measured = trainer.measurements();
  std::vector<StepRecord> records;
  for (size_t i = 0; i < measured.steps.size(); ++i) {
    records.push_back(StepRecordOf({}, measured, i));
  }
  return records;
}

void AddEpoch(const Trainer& trainer, CellTotals& totals) {
  std::vector<StepFlags> flags;
  for (const StepMeasurement& step : trainer.measurements().steps) {
    flags.push_back(step.flags);
  }
  totals.Add(trainer.measurements(),
             {.flags = flags, .energy_joules = std::nullopt});
}

EpochRecord FinishEpoch(Trainer& trainer, CellTotals& totals) {
  AddEpoch(trainer, totals);
  const Validation validation = trainer.Validate().value();
  trainer.CloseEpoch();
  totals.Evaluate({}, validation, {});
  return totals.FinishEpoch({}, validation);
}

std::vector<NamedTensor> WeightsOf(Network& network) {
  std::vector<NamedTensor> weights;
  for (const TensorView& view : network.WeightViews()) {
    weights.push_back({.name = view.name,
                       .shape = view.shape,
                       .values = {view.values.begin(), view.values.end()}});
  }
  return weights;
}

Result<Checksum> WriteTensors(const std::filesystem::path& path,
                              std::vector<NamedTensor> tensors) {
  std::vector<TensorView> views;
  for (NamedTensor& tensor : tensors) {
    views.push_back({tensor.name, tensor.shape, tensor.values});
  }
  return WriteSafetensors(path, views);
}

}  // namespace batchsweep

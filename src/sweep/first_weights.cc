#include "sweep/first_weights.h"

#include <vector>

#include "model/initializers.h"

namespace batchsweep {
namespace {

// Fresh weights of a batch size, unlike any other seed's.
uint64_t FreshSeed(const CellKey& cell) {
  return cell.seed * 1'000'003 + static_cast<uint64_t>(cell.batch_size);
}

}  // namespace

Status SetFirstWeights(const SweepConfig& config, const CellKey& cell,
                       Network& network) {
  const std::vector<TensorView> weights = network.WeightViews();
  switch (config.init.kind) {
    case InitialWeights::Kind::kShared:
      DrawWeightsInto(network.param_specs(), cell.seed, weights);
      break;
    case InitialWeights::Kind::kFresh:
      DrawWeightsInto(network.param_specs(), FreshSeed(cell), weights);
      break;
    case InitialWeights::Kind::kFile:
      RETURN_IF_ERROR(ReadSafetensorsInto(config.init.file, weights));
      break;
  }
  network.WeightsChanged();
  return {};
}

}  // namespace batchsweep

#include "sweep/first_weights.h"

#include "model/initializers.h"

namespace batchsweep {
namespace {

// Fresh weights of a batch size, unlike any other seed's.
uint64_t FreshSeed(const CellKey& cell) {
  return cell.seed * 1'000'003 + static_cast<uint64_t>(cell.batch_size);
}

}  // namespace

Result<std::vector<NamedTensor>> FirstWeights(const SweepConfig& config,
                                              const CellKey& cell) {
  const std::vector<ParamSpec> params = ModelParams(config.model);
  switch (config.init.kind) {
    case InitialWeights::Kind::kShared:
      return DrawWeights(params, cell.seed);
    case InitialWeights::Kind::kFresh:
      return DrawWeights(params, FreshSeed(cell));
    case InitialWeights::Kind::kFile:
      return ReadWeights(params, config.init.file);
  }
  return Fail("no such initial weights");
}

}  // namespace batchsweep

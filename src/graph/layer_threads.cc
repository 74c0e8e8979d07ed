#include "graph/layer_threads.h"

#include <vector>

#include "graph/threads.h"

namespace batchsweep {
namespace {

// Times the layer alone, at the network's batch. What the arena holds does not
// matter: no kernel's time depends on values.
Result<LayerThreads> FasterThreadsOf(Layer& layer, const Network& network,
                                     const WeightUpdate& update) {
  // A trial cannot stop half-way: the first error is kept, and told at the end.
  Status status;
  const auto use = [&](Threads threads) {
    ThreadPool* const pool = &network.pool(threads);
    if (!status) return;
    status =
        layer.SetBatch(network.batch(), {.forward = pool, .backward = pool});
  };
  LayerThreads faster;
  faster.forward =
      FasterThreads(use, [&] { layer.Forward({.training = true}); });
  faster.backward =
      FasterThreads(use, [&] { layer.BackwardAndUpdate(update); });
  RETURN_IF_ERROR(status);
  return faster;
}

}  // namespace

Status ChooseLayerThreads(Network& network, const WeightUpdate& update) {
  if (network.pool(Threads::kAll).threads() == 1) return {};
  std::vector<LayerThreads> chosen;
  for (const PlannedLayer& layer : network.plan().layers) {
    ASSIGN_OR_RETURN(const LayerThreads faster,
                     FasterThreadsOf(*layer.node.layer, network, update));
    chosen.push_back(faster);
  }
  network.UseThreads(chosen);
  // The trials left numbers everywhere, running statistics included, which
  // training must not begin with.
  network.ClearTensors();
  return {};
}

}  // namespace batchsweep

#include "graph/layer_times.h"

#include <algorithm>

#include "platform/clock.h"

namespace batchsweep {
namespace {

template <class Run>
void KeepBest(const Run& run, int64_t& best_ns) {
  const int64_t start_ns = MonotonicNs();
  run();
  best_ns = std::min(best_ns, MonotonicNs() - start_ns);
}

}  // namespace

std::vector<LayerTime> TimeLayers(Network& network, int rounds) {
  const std::vector<PlannedLayer>& layers = network.plan().layers;
  std::vector<LayerTime> times(layers.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < layers.size(); ++i) {
      Layer& layer = *layers[i].node.layer;
      times[i].name = layers[i].node.name;
      KeepBest([&] { layer.Forward({.training = true}); }, times[i].forward_ns);
    }
    network.ScoreOutputs();
    for (size_t i = layers.size(); i-- > 0;) {
      Layer& layer = *layers[i].node.layer;
      KeepBest([&] { layer.Backward(); }, times[i].backward_ns);
      KeepBest([&] { layer.WeightsChanged(); }, times[i].refresh_ns);
    }
  }
  return times;
}

}  // namespace batchsweep

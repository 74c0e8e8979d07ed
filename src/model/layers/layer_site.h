// LayerSite: a layer's place in a model, which decides what it reads and so the
// shape that it gives, and by which every refusal names the layer.
#ifndef BATCHSWEEP_MODEL_LAYERS_LAYER_SITE_H_
#define BATCHSWEEP_MODEL_LAYERS_LAYER_SITE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/sliding_window.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// How many layers a layer reads.
enum class InputCount { kOne, kTwoOrMore };

struct LayerSite {
  const std::vector<Shape>& inputs;  // what it reads, at least one shape
  std::string_view class_name;       // Keras' for the layer
  std::string where;                 // net.json: layer "dense"

  const Shape& input() const { return inputs.front(); }
};

// Refuses another number of inputs than the layer takes.
Status CheckInputCount(const LayerSite& site, InputCount expected);

// Refuses an input that is not (H, W, C).
Status CheckReadsImage(const LayerSite& site);

// Refuses an output that is no IsShape().
Status CheckOutput(const LayerSite& site, const Shape& output);

// The shape of the image that a window makes of the one at the site, with so
// many channels. Refuses an input that is no image, and a window that does not
// fit into it.
Result<Shape> SlideOver(const LayerSite& site, const SlidingWindow& window,
                        int64_t channels);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_LAYER_SITE_H_

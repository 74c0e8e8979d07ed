#include "graph/layer_builder.h"

#include <algorithm>

#include "util/check.h"

namespace batchsweep {

LayerBuilder::LayerBuilder(const ModelSpec& model, const BuildOptions& options,
                           const ComputeContext& context)
    : model_(model),
      options_(options),
      context_(context),
      shapes_(LayerOutputShapes(model)),
      params_(ModelParams(model)),
      readers_(model.layers.size()),
      value_of_(model.layers.size(), -1) {
  for (size_t i = 0; i < model.layers.size(); ++i) {
    for (const int input : LayerInputs(model, i)) {
      if (input != kModelInput) {
        readers_[static_cast<size_t>(input)].push_back(i);
      }
    }
  }
  // Nothing in front of the model's input trains, so it needs no gradient.
  spec_.values.push_back({.size = model.input_shape.elements()});
}

Result<NetworkSpec> LayerBuilder::BuildAll() {
  for (size_t i = 0; i < model_.layers.size(); ++i) {
    // A layer with a value already was built into the one in front of it.
    if (value_of_[i] >= 0) continue;
    layer_ = last_built_in_ = i;
    reads_.clear();
    for (const int input : LayerInputs(model_, i)) {
      reads_.push_back(InputOf(input));
    }
    RETURN_IF_ERROR(
        std::visit([&](const auto& spec) { return BuildLayer(spec, *this); },
                   model_.layers[i]));
    // reads_ is now what the last appended layer wrote or, if the spec appended
    // none (a flatten, say), still its input, which readers then read directly.
    value_of_[layer_] = value_of_[last_built_in_] = reads_[0].value;
  }
  // Parameters go to layers by their order; one left over means that some layer
  // took too few, and that those behind it may hold the wrong ones.
  CHECK(params_taken_ == params_.size());
  spec_.output = value_of_.back();
  return std::move(spec_);
}

LayerBuilder::Read LayerBuilder::InputOf(int input) const {
  if (input == kModelInput) return {.value = 0, .shape = model_.input_shape};
  const auto layer = static_cast<size_t>(input);
  return {.value = value_of_[layer], .shape = shapes_[layer]};
}

// Where nothing in front has parameters, dx would be computed for nobody.
bool LayerBuilder::wants_dx() const {
  return std::ranges::any_of(reads_, [&](const Read& read) {
    return spec_.values[static_cast<size_t>(read.value)].needs_grad;
  });
}

// The layer's number is spread over many bits by an odd factor, which keeps the
// numbers apart: two dropouts of a model draw masks of their own.
uint64_t LayerBuilder::RandomKey() const {
  return (options_.seed << 32) ^
         (static_cast<uint64_t>(layer_ + 1) * 0x9e3779b1);
}

void LayerBuilder::Append(std::unique_ptr<Layer> layer, const Shape& output,
                          const std::vector<ParamSpec>& params) {
  NodeSpec node = {.name = LayerName(model_.layers[layer_]),
                   .layer = std::move(layer),
                   .output = static_cast<int>(spec_.values.size())};
  for (const Read& read : reads_) node.inputs.push_back(read.value);
  for (const ParamSpec& param : params) {
    // A layer that forgets a parameter would train on those of the next.
    CHECK(params_taken_ < params_.size() &&
          param.shape == params_[params_taken_].shape);
    node.params.push_back(static_cast<int>(params_taken_++));
  }
  spec_.values.push_back(
      {.size = output.elements(), .needs_grad = !params.empty() || wants_dx()});
  // What a spec appends next, such as its activation, reads this layer.
  reads_ = {{.value = node.output, .shape = output}};
  spec_.nodes.push_back(std::move(node));
}

const LayerSpec* LayerBuilder::OnlyReader() const {
  const std::vector<size_t>& readers = readers_[layer_];
  return readers.size() == 1 ? &model_.layers[readers[0]] : nullptr;
}

const Shape& LayerBuilder::BuildInReader() {
  CHECK(OnlyReader() != nullptr);
  last_built_in_ = readers_[layer_][0];
  return shapes_[last_built_in_];
}

Result<NetworkSpec> BuildNetwork(const ModelSpec& model,
                                 const BuildOptions& options,
                                 const ComputeContext& context) {
  return LayerBuilder(model, options, context).BuildAll();
}

}  // namespace batchsweep

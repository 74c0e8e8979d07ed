// The registry of layers: how each spec of a model becomes layers that compute.
//
// Every spec has one BuildLayer(), in the file of the layer that computes it.
// To add a layer: write its file with its BuildLayer() and declare it in the
// list below. Without the declaration BuildNetwork() does not compile, without
// the definition the program does not link.
#ifndef BATCHSWEEP_GRAPH_LAYER_BUILDER_H_
#define BATCHSWEEP_GRAPH_LAYER_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "graph/layer.h"
#include "graph/network_builder.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// What BuildLayer() sees of the model around its spec, and what it appends to
// the network.
class LayerBuilder {
 public:
  LayerBuilder(const ModelSpec& model, const BuildOptions& options,
               const ComputeContext& context);

  const ComputeContext& context() const { return context_; }
  bool fuses_updates() const { return options_.fuses_updates; }

  // What the next layer appended here reads: the shapes of one example, and
  // whether something in front trains, so that Backward() has to write dx.
  size_t input_count() const { return reads_.size(); }
  const Shape& input_shape(size_t which = 0) const {
    return reads_[which].shape;
  }
  bool wants_dx() const;
  // The shape of one example behind the spec.
  const Shape& output_shape() const { return shapes_[layer_]; }
  // The same for the same seed and place in the model, and for nothing else.
  uint64_t RandomKey() const;

  // Appends a layer. The first one appended for a spec reads what the spec
  // reads, each other one what the one before it wrote; the last one's output,
  // of shape `output`, is the spec's. A spec that appends nothing hands its
  // input on. `params` are those that the layer has, in its own order.
  // REQUIRES: they come in the order of ModelParams().
  void Append(std::unique_ptr<Layer> layer, const Shape& output,
              const std::vector<ParamSpec>& params = {});

  // The model's layer that alone reads this one's output; null if there is
  // none or more than one.
  const LayerSpec* OnlyReader() const;
  // Decides that what is appended here computes OnlyReader() too; returns that
  // layer's output shape. REQUIRES: OnlyReader() is not null.
  const Shape& BuildInReader();

  // Builds all layers. To be called once, by BuildNetwork().
  Result<NetworkSpec> BuildAll();

 private:
  struct Read {
    int value = 0;  // of NetworkSpec
    Shape shape;
  };
  Read InputOf(int input) const;

  const ModelSpec& model_;
  const BuildOptions options_;
  const ComputeContext& context_;
  const std::vector<Shape> shapes_;  // behind each layer of the model
  const std::vector<ParamSpec> params_;
  std::vector<std::vector<size_t>> readers_;  // of each layer of the model
  NetworkSpec spec_;
  std::vector<int> value_of_;  // that each layer of the model writes, or -1
  size_t params_taken_ = 0;
  // Of the spec that is being built.
  size_t layer_ = 0;
  size_t last_built_in_ = 0;  // layer_, or the reader that is built in
  std::vector<Read> reads_;   // what the next appended layer reads
};

// activation.cc
Status BuildLayer(const ActivationSpec& spec, LayerBuilder& builder);
// batch_normalization.cc
Status BuildLayer(const BatchNormalizationSpec& spec, LayerBuilder& builder);
// convolution.cc
Status BuildLayer(const Conv2DSpec& spec, LayerBuilder& builder);
// dense.cc
Status BuildLayer(const DenseSpec& spec, LayerBuilder& builder);
// depthwise.cc
Status BuildLayer(const DepthwiseConv2DSpec& spec, LayerBuilder& builder);
Status BuildLayer(const SeparableConv2DSpec& spec, LayerBuilder& builder);
// elementwise.cc
Status BuildLayer(const DropoutSpec& spec, LayerBuilder& builder);
Status BuildLayer(const ZeroPadding2DSpec& spec, LayerBuilder& builder);
Status BuildLayer(const RescalingSpec& spec, LayerBuilder& builder);
Status BuildLayer(const AddSpec& spec, LayerBuilder& builder);
Status BuildLayer(const ConcatenateSpec& spec, LayerBuilder& builder);
// pooling.cc
Status BuildLayer(const Pooling2DSpec& spec, LayerBuilder& builder);
Status BuildLayer(const GlobalAveragePooling2DSpec& spec,
                  LayerBuilder& builder);
// An example's values lie the same in any shape, so these compute nothing.
inline Status BuildLayer(const FlattenSpec&, LayerBuilder&) { return {}; }
inline Status BuildLayer(const ReshapeSpec&, LayerBuilder&) { return {}; }

// Appends the activation behind a layer with weights, unless that layer
// computes it itself, see ComputesActivation().
Status BuildActivationBehind(Activation activation, LayerBuilder& builder);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_LAYER_BUILDER_H_

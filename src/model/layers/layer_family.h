// LayerFamily: what a layer's spec must know of itself.
//
// A spec is a plain struct of the layer's name and options, in a pair of files
// of this folder. All that the model asks of any layer are members of it:
//
//   kInputs         how many layers it reads
//   ClassName()     Keras' name for it: "Dense"
//   OutputShape()   the shape of one example behind it, or why it cannot take
//                   what it reads. REQUIRES: every shape of the site is
//                   IsShape(), every number of the spec within kMaxWidth
//   Params()        its parameters behind `input`, in Keras' order, named
//                   LAYER/parameter, and whether they train
//   MultiplyAdds()  of its products for one example, forward, padding included;
//                   0 for a layer without kernels, which is bound by memory
//   EndActivation() what it computes last; linear if it has no activation
//   Options()       what stands behind its class in a description, with a
//                   space in front; what is at its default is left out
//   KerasClasses()  the classes of Keras that become it, and their readers
//
// To add a layer: such a pair of files, its spec in the list of layer_spec.h,
// and the file that computes it in graph/. What is missing does not compile.
#ifndef BATCHSWEEP_MODEL_LAYERS_LAYER_FAMILY_H_
#define BATCHSWEEP_MODEL_LAYERS_LAYER_FAMILY_H_

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/activation.h"
#include "model/layers/layer_site.h"
#include "model/param_spec.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

struct KerasClass;  // model/keras_layers.h

template <class Spec>
concept LayerFamily = requires(const Spec& spec, const LayerSite& site,
                               const Shape& input, const Shape& output) {
  { spec.name } -> std::same_as<const std::string&>;
  { Spec::kInputs } -> std::same_as<const InputCount&>;
  { spec.ClassName() } -> std::same_as<std::string_view>;
  { spec.OutputShape(site) } -> std::same_as<Result<Shape>>;
  { spec.Params(input) } -> std::same_as<std::vector<ParamSpec>>;
  { spec.MultiplyAdds(input, output) } -> std::same_as<int64_t>;
  { spec.EndActivation() } -> std::same_as<Activation>;
  { spec.Options() } -> std::same_as<std::string>;
  { &Spec::KerasClasses } -> std::same_as<std::span<const KerasClass> (*)()>;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_LAYER_FAMILY_H_

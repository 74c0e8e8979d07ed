// The activation functions, each applied to every value alone but softmax,
// which is applied to the values of an example.
#ifndef BATCHSWEEP_MODEL_ACTIVATION_H_
#define BATCHSWEEP_MODEL_ACTIVATION_H_

namespace batchsweep {

// Counted from 0 without gaps, so that they can be found by NameOf().
enum class Activation {
  kLinear,
  kRelu,
  kRelu6,      // min(max(x, 0), 6)
  kLeakyRelu,  // its slope is in ActivationSpec
  kTanh,
  kSigmoid,
  kSoftmax,
};

// As Keras has it: "relu6". Null behind the last one.
constexpr const char* NameOf(Activation activation) {
  switch (activation) {
    case Activation::kLinear:
      return "linear";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
    case Activation::kLeakyRelu:
      return "leaky_relu";
    case Activation::kTanh:
      return "tanh";
    case Activation::kSigmoid:
      return "sigmoid";
    case Activation::kSoftmax:
      return "softmax";
  }
  return nullptr;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_ACTIVATION_H_

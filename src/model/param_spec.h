// ParamSpec: a tensor of the model that is kept between steps, and what it is
// before the first.
#ifndef BATCHSWEEP_MODEL_PARAM_SPEC_H_
#define BATCHSWEEP_MODEL_PARAM_SPEC_H_

#include <string>

#include "util/shape.h"

namespace batchsweep {

// Keras' initialisers, by its formulas. fan_in and fan_out are those of the
// tensor: for a dense kernel its rows and columns, for any other kernel the
// last two dimensions, each times the window in front of them.
struct Initializer {
  enum class Kind {
    kZeros,
    kOnes,
    kConstant,         // value
    kGlorotUniform,    // U(-l, l), l = sqrt(6 / (fan_in + fan_out))
    kGlorotNormal,     // truncated N(0, sqrt(2 / (fan_in + fan_out)))
    kHeUniform,        // U(-l, l), l = sqrt(6 / fan_in)
    kHeNormal,         // truncated N(0, sqrt(2 / fan_in))
    kLecunUniform,     // U(-l, l), l = sqrt(3 / fan_in)
    kLecunNormal,      // truncated N(0, sqrt(1 / fan_in))
    kRandomUniform,    // U(low, high)
    kRandomNormal,     // N(mean, deviation)
    kTruncatedNormal,  // the same without what lies beyond two deviations
  };
  Kind kind = Kind::kZeros;
  float value = 0.0f;  // of kConstant
  float low = -0.05f;
  float high = 0.05f;
  float mean = 0.0f;
  float deviation = 0.05f;
};

// Kernels have Keras' layouts: dense (in, out), the others as their layer's
// spec says.
struct ParamSpec {
  std::string name;  // LAYER/kernel
  Shape shape;
  Initializer initializer;
  bool trainable = true;  // false for batch normalisation's running statistics
  float l2 = 0.0f;        // kernel regularisation
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_PARAM_SPEC_H_

// Keras' initialisers, as a layer's options name them.
#ifndef BATCHSWEEP_MODEL_KERAS_INITIALIZER_H_
#define BATCHSWEEP_MODEL_KERAS_INITIALIZER_H_

#include "model/keras_options.h"
#include "model/param_spec.h"
#include "platform/error.h"

namespace batchsweep {

// A name in either spelling (glorot_uniform, GlorotUniform) or an object with
// its config. A VarianceScaling that equals one we know is that one. A seed is
// passed over: the run's own decides.
Result<Initializer> ReadInitializer(const KerasOptions& options,
                                    const char* key,
                                    const Initializer& fallback);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_INITIALIZER_H_

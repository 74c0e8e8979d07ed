// Keras' initialisers, as a layer's options name them.
#ifndef BATCHSWEEP_MODEL_KERAS_INITIALIZER_H_
#define BATCHSWEEP_MODEL_KERAS_INITIALIZER_H_

#include "model/keras_options.h"
#include "model/param_spec.h"
#include "platform/error.h"

namespace batchsweep {

// A name in either spelling (glorot_uniform, GlorotUniform) or an object with
// its config. A VarianceScaling whose options make it a known initialiser is
// read as that one. A seed is passed over, because the run's own seed decides.
Result<Initializer> ReadInitializer(const KerasOptions& options,
                                    const char* key,
                                    const Initializer& fallback);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_INITIALIZER_H_

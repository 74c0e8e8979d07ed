// Made-up data for boards without any: seeded, separable, of any shape.
#ifndef BATCHSWEEP_DATA_SYNTHETIC_H_
#define BATCHSWEEP_DATA_SYNTHETIC_H_

#include <cstdint>

#include "data/dataset.h"

namespace batchsweep {

// REQUIRES: sizes are 1 or more, except those of the sets, which may be 0.
struct SyntheticOptions {
  Shape example_shape;       // (C), (H, W) or (H, W, C)
  int64_t class_count = 10;  // 2 .. 256
  int64_t train_size = 0;
  int64_t test_size = 0;
  uint64_t seed = 1;
  // Without labels: the inputs themselves are what is learnt.
  bool reconstruct = false;
};

// Every class has a random prototype image; an example is its class' prototype
// under strong pixel noise. Labels go round 0, 1, 2, ..., so that every range
// is balanced. The same options give the same bytes on every target. An example
// shape of (C) gives the same bytes as (1, C, 1) does, and (H, W) the same as
// (H, W, 1). The dataset calls examples of (H, W) (H, W, 1), as every source
// does; those of (C) keep their shape.
DataSource MakeSynthetic(const SyntheticOptions& options);

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_SYNTHETIC_H_

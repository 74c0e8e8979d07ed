// Data by the names that the command line knows.
#ifndef BATCHSWEEP_DATA_SOURCE_H_
#define BATCHSWEEP_DATA_SOURCE_H_

#include <string>

#include "data/dataset.h"
#include "platform/error.h"

namespace batchsweep {

// What synthetic data is made for; real data brings its own.
struct SyntheticShape {
  Shape example_shape;          // (C), (H, W) or (H, W, C)
  int64_t class_count = 10;     // held to 2 .. 256
  int64_t train_size = 60'000;  // and a sixth of it to test
  bool reconstruct = false;     // the inputs themselves are what is learnt
};

// "fashion-mnist": from Debian's package dataset-fashion-mnist.
// "synthetic": made up, by `shape`.
// Anything else is a folder, told by what is in it, in this order: *.npy is
// NumPy arrays (data/npy.h), data_batch_1.bin or train.bin and the others
// beside them are CIFAR (data/cifar.h), *-ubyte is IDX (data/idx.h); with .gz
// behind all but the first.
Result<DataSource> LoadSource(const std::string& name,
                              const SyntheticShape& shape);

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_SOURCE_H_

// Data by the names that the command line knows.
#ifndef BATCHSWEEP_DATA_SOURCE_H_
#define BATCHSWEEP_DATA_SOURCE_H_

#include <string>

#include "data/dataset.h"
#include "data/selection.h"
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
// Of files, only the examples that `selection` wants are read and looked at.
// Any other name is a folder's, whose files tell the format. The formats are
// tried in this order, so a folder of several is read as the first of them:
// NumPy arrays (data/npy.h), CIFAR (data/cifar.h), IDX (data/idx.h).
//
// To add a format: a pair of files with such a pair of functions, and a line in
// the table of source.cc.
Result<DataSource> LoadSource(const std::string& name,
                              const SyntheticShape& shape,
                              const Selection& selection = {});

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_SOURCE_H_

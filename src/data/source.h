// Data by the names that the command line knows.
#ifndef BATCHSWEEP_DATA_SOURCE_H_
#define BATCHSWEEP_DATA_SOURCE_H_

#include <string>

#include "data/dataset.h"
#include "platform/error.h"

namespace batchsweep {

// What synthetic data is made for; real data brings its own.
struct SyntheticShape {
  Shape image_shape;  // (H, W, C)
  int64_t class_count = 10;
  int64_t train_size = 60'000;  // and a sixth of it to test
};

// "fashion-mnist": from Debian's package dataset-fashion-mnist.
// "synthetic": made up, by `shape`.
// Anything else is a folder of IDX files.
Result<DataSource> LoadSource(const std::string& name,
                              const SyntheticShape& shape);

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_SOURCE_H_

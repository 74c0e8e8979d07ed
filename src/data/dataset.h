// Dataset: labelled images, 8 bits a pixel, as they lie in memory for a run.
#ifndef BATCHSWEEP_DATA_DATASET_H_
#define BATCHSWEEP_DATA_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "util/shape.h"

namespace batchsweep {

struct Dataset {
  Shape image_shape;            // (H, W, C)
  int64_t class_count = 0;      // labels are 0 .. class_count - 1
  std::vector<uint8_t> images;  // (N, H, W, C)
  std::vector<uint8_t> labels;  // (N)

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int64_t bytes() const {
    return static_cast<int64_t>(images.size() + labels.size());
  }
};

// What a data source gives: the examples to train on and the held-out ones.
// Both have the same image shape and class count.
struct DataSource {
  std::string name;  // as it stands in run.json: "fashion-mnist", a folder, ...
  Dataset train;
  Dataset test;
};

// The examples [begin, end) of a dataset that outlives it.
struct ExampleRange {
  const Dataset* dataset = nullptr;
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_DATASET_H_

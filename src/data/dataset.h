// Dataset: examples as they lie in memory for a run, and what is to be learnt
// from them.
#ifndef BATCHSWEEP_DATA_DATASET_H_
#define BATCHSWEEP_DATA_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "util/shape.h"

namespace batchsweep {

// Inputs are 8-bit pixels or floats, never both; what is learnt is a label, an
// array of floats (targets), or, with neither, the inputs themselves.
struct Dataset {
  Shape example_shape;      // (H, W, C) of images; one to three dimensions
  int64_t class_count = 0;  // labels are 0 .. class_count - 1; 0 without labels
  Shape target_shape;       // of one example's targets, without labels
  std::vector<uint8_t> images = {};  // (N, example_shape); empty with floats
  std::vector<float> floats = {};    // (N, example_shape); empty with images
  std::vector<uint8_t> labels = {};  // (N)
  std::vector<float> targets = {};   // (N, target_shape)

  int64_t size() const {
    const size_t values = images.empty() ? floats.size() : images.size();
    return static_cast<int64_t>(values) / example_shape.elements();
  }
  int64_t bytes() const {
    return static_cast<int64_t>(images.size() + labels.size() +
                                sizeof(float) *
                                    (floats.size() + targets.size()));
  }
};

// What a data source gives: the examples to train on and the held-out ones.
// Both agree in shapes, class count, and in which fields they fill.
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

// Dataset: examples as they lie in memory for a run, and what is to be learnt
// from them.
#ifndef BATCHSWEEP_DATA_DATASET_H_
#define BATCHSWEEP_DATA_DATASET_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>

#include "data/selection.h"
#include "data/values.h"
#include "platform/mapped_file.h"
#include "util/shape.h"

namespace batchsweep {

// Inputs are 8-bit pixels or floats, never both; what is learnt is a label, an
// array of floats (targets), or, with neither, the inputs themselves.
struct Dataset {
  Shape example_shape;      // (H, W, C) of images; one to three dimensions
  int64_t class_count = 0;  // labels are 0 .. class_count - 1; 0 without labels
  Shape target_shape;       // of one example's targets, without labels
  Values<uint8_t> images = {};  // (N, example_shape); empty with floats
  Values<float> floats = {};    // (N, example_shape); empty with images
  Values<uint8_t> labels = {};  // (N)
  Values<float> targets = {};   // (N, target_shape)

  int64_t size() const {
    const size_t values = images.empty() ? floats.size() : images.size();
    return static_cast<int64_t>(values) / example_shape.elements();
  }
  // Bytes in RAM, and those that stay in their files, see data/page_budget.h.
  int64_t resident_bytes() const { return all_bytes() - mapped_bytes(); }
  int64_t mapped_bytes() const {
    int64_t bytes = 0;
    for (const MappedFile* file : mapped_files()) {
      if (file != nullptr) bytes += std::ssize(file->bytes());
    }
    return bytes;
  }
  int64_t all_bytes() const {
    return images.bytes() + floats.bytes() + labels.bytes() + targets.bytes();
  }
  // Of the inputs and of what is learnt; null for what lies in RAM.
  std::array<const MappedFile*, 4> mapped_files() const {
    return {images.mapped_file(), floats.mapped_file(), labels.mapped_file(),
            targets.mapped_file()};
  }

  // The examples of `rows` alone, which share its memory.
  Dataset Part(const RowRange& rows) const;
};

// What a data source gives. All sets agree in shapes, class count, and in which
// fields they fill.
struct DataSource {
  std::string name;  // as it stands in run.json: "fashion-mnist", a folder, ...
  Dataset train;
  Dataset test;
  Dataset held_back = {};  // of the training set; empty unless asked for
};

// Gives all sets the class count, one more than the highest label of any; 0
// without labels.
void CountClasses(DataSource& source);

// The examples [begin, end) of a dataset that outlives it.
struct ExampleRange {
  const Dataset* dataset = nullptr;
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  // The first `count` of them, all if there are fewer.
  ExampleRange First(int64_t count) const {
    return {dataset, begin, std::min(end, begin + count)};
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_DATASET_H_

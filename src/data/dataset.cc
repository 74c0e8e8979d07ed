#include "data/dataset.h"

#include <algorithm>

namespace batchsweep {

Dataset Dataset::Part(const RowRange& rows) const {
  const auto part = [&](const auto& values, int64_t size) {
    return values.empty() ? values
                          : values.Part(rows.begin * size, rows.size() * size);
  };
  return {.example_shape = example_shape,
          .class_count = class_count,
          .target_shape = target_shape,
          .images = part(images, example_shape.elements()),
          .floats = part(floats, example_shape.elements()),
          .labels = part(labels, 1),
          .targets = part(targets, target_shape.elements())};
}

void CountClasses(DataSource& source) {
  Dataset* const sets[] = {&source.train, &source.held_back, &source.test};
  int64_t count = 0;
  for (const Dataset* set : sets) {
    if (set->labels.empty()) continue;
    count = std::max<int64_t>(count, 1 + std::ranges::max(set->labels));
  }
  for (Dataset* set : sets) set->class_count = count;
}

}  // namespace batchsweep

#include "data/source.h"

#include <algorithm>

#include "data/idx.h"
#include "data/synthetic.h"
#include "platform/memory.h"

namespace batchsweep {
namespace {

constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

constexpr int64_t kSyntheticTrainSize = 60'000;
constexpr int64_t kSyntheticTestSize = 10'000;
constexpr int64_t kMaxClasses = 256;  // labels are 8-bit

Result<DataSource> LoadSynthetic(const SyntheticShape& shape) {
  const int64_t bytes =
      shape.image_shape.elements() * (kSyntheticTrainSize + kSyntheticTestSize);
  if (const auto room = AvailableMemoryBytes(); room && bytes > *room) {
    return Fail(
        "synthetic: {} images of {} take {} bytes, this machine has {} free; "
        "choose a model with a smaller input",
        kSyntheticTrainSize + kSyntheticTestSize, shape.image_shape.ToString(),
        bytes, *room);
  }
  DataSource source =
      MakeSynthetic({.image_shape = shape.image_shape,
                     .class_count = std::min(shape.class_count, kMaxClasses),
                     .train_size = kSyntheticTrainSize,
                     .test_size = kSyntheticTestSize});
  source.name = "synthetic";
  return source;
}

}  // namespace

Result<DataSource> LoadSource(const std::string& name,
                              const SyntheticShape& shape) {
  if (name == "synthetic") return LoadSynthetic(shape);
  if (name != "fashion-mnist") return LoadIdxFolder(name);
  ASSIGN_OR_RETURN(DataSource source, LoadIdxFolder(kFashionMnistFolder));
  source.name = name;
  return source;
}

}  // namespace batchsweep

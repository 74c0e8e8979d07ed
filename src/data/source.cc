#include "data/source.h"

#include <algorithm>

#include "data/idx.h"
#include "data/synthetic.h"
#include "platform/memory.h"

namespace batchsweep {
namespace {

constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

constexpr int64_t kMaxClasses = 256;  // labels are 8-bit

Result<DataSource> LoadSynthetic(const SyntheticShape& shape) {
  const int64_t test_size = (shape.train_size + 5) / 6;
  const int64_t images = shape.train_size + test_size;
  const int64_t pixels = shape.image_shape.elements();
  if (const auto room = AvailableMemoryBytes();
      room && images > *room / pixels) {
    return Fail(
        "synthetic: {} images of {} do not fit into the {} bytes that this "
        "machine has free; choose a smaller --train-limit or model",
        images, shape.image_shape.ToString(), *room);
  }
  DataSource source =
      MakeSynthetic({.image_shape = shape.image_shape,
                     .class_count = std::min(shape.class_count, kMaxClasses),
                     .train_size = shape.train_size,
                     .test_size = test_size});
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

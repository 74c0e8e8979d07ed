#include "data/source.h"

#include <algorithm>

#include "data/idx.h"
#include "data/synthetic.h"
#include "platform/memory.h"

namespace batchsweep {
namespace {

constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

constexpr int64_t kMinClasses = 2;
constexpr int64_t kMaxClasses = 256;  // labels are 8-bit

Result<DataSource> LoadSynthetic(const SyntheticShape& shape) {
  const int64_t test_size = (shape.train_size + 5) / 6;
  const int64_t examples = shape.train_size + test_size;
  if (const auto room = AvailableMemoryBytes();
      room && examples > *room / shape.example_shape.elements()) {
    return Fail(
        "synthetic: {} examples of {} do not fit into the {} bytes that this "
        "machine has free; choose a smaller --train-limit or model",
        examples, shape.example_shape.ToString(), *room);
  }
  return MakeSynthetic(
      {.example_shape = shape.example_shape,
       .class_count = std::clamp(shape.class_count, kMinClasses, kMaxClasses),
       .train_size = shape.train_size,
       .test_size = test_size,
       .reconstruct = shape.reconstruct});
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

#include "data/source.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "data/cifar.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/synthetic.h"
#include "platform/memory.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

constexpr int64_t kMinClasses = 2;
constexpr int64_t kMaxClasses = 256;  // labels are 8-bit

// By rank: the highest of its files' formats is a folder's.
enum class Format { kUnknown, kIdx, kCifar, kNpy };

Format FormatOf(std::string_view file_name) {
  if (file_name.ends_with(".npy")) return Format::kNpy;
  if (file_name.ends_with(".gz")) file_name.remove_suffix(3);
  if (file_name.ends_with("-ubyte")) return Format::kIdx;
  for (const std::string_view name :
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
        "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin", "train.bin",
        "test.bin"}) {
    if (file_name == name) return Format::kCifar;
  }
  return Format::kUnknown;
}

Result<Format> FormatOfFolder(const fs::path& folder) {
  Format format = Format::kUnknown;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    format = std::max(format, FormatOf(entry->path().filename().string()));
  }
  if (error)
    return Fail("cannot read {}: {}", folder.string(), error.message());
  return format;
}

Result<DataSource> LoadFolder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return Fail(
        "{}: expected a folder of NumPy, CIFAR or IDX files, found {}; name "
        "one, fashion-mnist or synthetic",
        folder.string(), fs::exists(folder, ignored) ? "a file" : "nothing");
  }
  ASSIGN_OR_RETURN(const Format format, FormatOfFolder(folder));
  switch (format) {
    case Format::kNpy:
      return LoadNpyFolder(folder);
    case Format::kCifar:
      return LoadCifarFolder(folder);
    case Format::kIdx:
      return LoadIdxFolder(folder);
    case Format::kUnknown:
      break;
  }
  return Fail(
      "{}: expected x_train.npy (NumPy), data_batch_1.bin (CIFAR-10's binary "
      "version), train.bin (CIFAR-100's) or train-images-idx3-ubyte (IDX) in "
      "it, found none; name the folder that has them",
      folder.string());
}

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
  if (name != "fashion-mnist") return LoadFolder(name);
  ASSIGN_OR_RETURN(DataSource source, LoadIdxFolder(kFashionMnistFolder));
  source.name = name;
  return source;
}

}  // namespace batchsweep

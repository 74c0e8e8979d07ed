#include "data/source.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
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

struct FolderFormat {
  std::string_view family;  // for people
  std::string_view files;   // the first files that it needs, for people
  bool (*has_file)(std::string_view name);
  Result<DataSource> (*load)(const fs::path& folder,
                             const Selection& selection);
};

// A folder is of the first format that one of its files tells of.
constexpr FolderFormat kFormats[] = {
    {"NumPy", "x_train.npy (NumPy)", IsNpyFile, LoadNpyFolder},
    {"CIFAR",
     "data_batch_1.bin (CIFAR-10's binary version), train.bin (CIFAR-100's)",
     IsCifarFile, LoadCifarFolder},
    {"IDX", "train-images-idx3-ubyte (IDX)", IsIdxFile, LoadIdxFolder},
};

// "NumPy, CIFAR or IDX", of one field of all formats.
std::string List(std::string_view FolderFormat::* field) {
  std::string text;
  for (const FolderFormat& format : kFormats) {
    const bool is_last = &format == std::end(kFormats) - 1;
    text += text.empty() ? "" : is_last ? " or " : ", ";
    text += format.*field;
  }
  return text;
}

// The end of kFormats if no file tells of any.
Result<const FolderFormat*> FormatOfFolder(const fs::path& folder) {
  const FolderFormat* first = std::end(kFormats);
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    first = std::find_if(
        std::begin(kFormats), first,
        [&](const FolderFormat& format) { return format.has_file(name); });
  }
  if (error) {
    return Fail("cannot read {}: {}", folder.string(), error.message());
  }
  return first;
}

Result<DataSource> LoadFolder(const fs::path& folder,
                              const Selection& selection) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return Fail(
        "{}: expected a folder of {} files, found {}; name one, fashion-mnist "
        "or synthetic",
        folder.string(), List(&FolderFormat::family),
        fs::exists(folder, ignored) ? "a file" : "nothing");
  }
  ASSIGN_OR_RETURN(const FolderFormat* format, FormatOfFolder(folder));
  if (format != std::end(kFormats)) return format->load(folder, selection);
  return Fail(
      "{}: expected {} in it, found none; name the folder that has them",
      folder.string(), List(&FolderFormat::files));
}

Result<DataSource> LoadSynthetic(const SyntheticShape& shape,
                                 const Selection& selection) {
  const int64_t test_size = (shape.train_size + 5) / 6;
  const int64_t examples = shape.train_size + test_size;
  if (const auto room = AvailableMemoryBytes();
      room && examples > *room / shape.example_shape.elements()) {
    return Fail(
        "synthetic: {} examples of {} do not fit into the {} bytes that this "
        "machine has free; choose a smaller --train-limit or model",
        examples, shape.example_shape.ToString(), *room);
  }
  DataSource source = MakeSynthetic(
      {.example_shape = shape.example_shape,
       .class_count = std::clamp(shape.class_count, kMinClasses, kMaxClasses),
       .train_size = shape.train_size,
       .test_size = test_size,
       .reconstruct = shape.reconstruct});
  source.held_back = source.train.Part(selection.HeldBack(shape.train_size));
  source.train = source.train.Part(selection.Train(shape.train_size));
  return source;
}

}  // namespace

Result<DataSource> LoadSource(const std::string& name,
                              const SyntheticShape& shape,
                              const Selection& selection) {
  if (name == "synthetic") return LoadSynthetic(shape, selection);
  if (name != "fashion-mnist") return LoadFolder(name, selection);
  ASSIGN_OR_RETURN(DataSource source,
                   LoadIdxFolder(kFashionMnistFolder, selection));
  source.name = name;
  return source;
}

}  // namespace batchsweep

#include "data/cifar.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "data/gzip.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSide = 32;
constexpr size_t kChannels = 3;
constexpr size_t kPlaneBytes = kSide * kSide;
constexpr size_t kImageBytes = kChannels * kPlaneBytes;

// One of the two datasets.
struct Format {
  std::string_view name;
  // How many values each of a record's label bytes can have. The last of these
  // bytes is the label that is learnt.
  std::vector<int> label_counts;
  std::vector<std::string> train_files;
  std::string test_file;

  size_t record_bytes() const { return label_counts.size() + kImageBytes; }
};

const Format& Cifar10() {
  static const Format format = {
      .name = "CIFAR-10",
      .label_counts = {10},
      .train_files = {"data_batch_1.bin", "data_batch_2.bin",
                      "data_batch_3.bin", "data_batch_4.bin",
                      "data_batch_5.bin"},
      .test_file = "test_batch.bin"};
  return format;
}

const Format& Cifar100() {
  static const Format format = {.name = "CIFAR-100",
                                .label_counts = {20, 100},
                                .train_files = {"train.bin"},
                                .test_file = "test.bin"};
  return format;
}

std::optional<fs::path> FindFile(const fs::path& folder,
                                 const std::string& name) {
  for (const char* compression : {"", ".gz"}) {
    fs::path path = folder / (name + compression);
    std::error_code ignored;
    if (fs::exists(path, ignored)) return path;
  }
  return {};
}

const Format& FormatOf(const fs::path& folder) {
  for (const std::string& name : Cifar10().train_files) {
    if (FindFile(folder, name)) return Cifar10();
  }
  return FindFile(folder, Cifar10().test_file) ? Cifar10() : Cifar100();
}

Status CheckLabels(const fs::path& path, std::string_view contents,
                   const Format& format) {
  const size_t record_bytes = format.record_bytes();
  for (size_t begin = 0; begin < contents.size(); begin += record_bytes) {
    for (size_t i = 0; i < format.label_counts.size(); ++i) {
      const int label = static_cast<uint8_t>(contents[begin + i]);
      if (label >= format.label_counts[i]) {
        return Fail(
            "{}: expected labels from 0 to {}, found {} in record {} of {}; is "
            "it {}'s binary version?",
            path.string(), format.label_counts[i] - 1, label,
            begin / record_bytes + 1, contents.size() / record_bytes,
            format.name);
      }
    }
  }
  return {};
}

Result<std::string> ReadRecords(const fs::path& path, const Format& format) {
  ASSIGN_OR_RETURN(std::string contents, ReadMaybeGzip(path));
  if (contents.empty() || contents.size() % format.record_bytes() != 0) {
    return Fail(
        "{}: expected records of {} bytes, found {} bytes; fetch {}'s binary "
        "version again",
        path.string(), format.record_bytes(), contents.size(), format.name);
  }
  RETURN_IF_ERROR(CheckLabels(path, contents, format));
  return contents;
}

// Appends an image whose three planes lie one behind the other, a pixel's three
// values side by side.
void AppendImage(std::string_view planes, std::vector<uint8_t>& images) {
  const size_t begin = images.size();
  images.resize(begin + kImageBytes);
  uint8_t* image = &images[begin];
  for (size_t pixel = 0; pixel < kPlaneBytes; ++pixel) {
    for (size_t channel = 0; channel < kChannels; ++channel) {
      *image++ = static_cast<uint8_t>(planes[channel * kPlaneBytes + pixel]);
    }
  }
}

void AppendRecords(std::string_view contents, const Format& format,
                   Dataset& dataset) {
  const size_t label_bytes = format.label_counts.size();
  while (!contents.empty()) {
    dataset.labels.push_back(static_cast<uint8_t>(contents[label_bytes - 1]));
    AppendImage(contents.substr(label_bytes, kImageBytes), dataset.images);
    contents.remove_prefix(format.record_bytes());
  }
}

Result<Dataset> LoadSet(const fs::path& folder,
                        const std::vector<std::string>& files,
                        const Format& format) {
  Dataset dataset{.example_shape = {{kSide, kSide, kChannels}},
                  .class_count = format.label_counts.back()};
  for (const std::string& name : files) {
    const auto path = FindFile(folder, name);
    if (!path) {
      return Fail(
          "{}: expected {} or {}.gz in it, found neither; fetch {}'s binary "
          "version",
          folder.string(), name, name, format.name);
    }
    ASSIGN_OR_RETURN(const std::string contents, ReadRecords(*path, format));
    if (dataset.images.empty()) {
      // All files of a set have the same size: nothing is moved later.
      const size_t records = contents.size() / format.record_bytes();
      dataset.images.reserve(files.size() * records * kImageBytes);
    }
    AppendRecords(contents, format, dataset);
  }
  return dataset;
}

}  // namespace

bool IsCifarFile(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return std::ranges::any_of(
      std::array{&Cifar10(), &Cifar100()}, [&](const Format* format) {
        return name == format->test_file ||
               std::ranges::contains(format->train_files, name);
      });
}

Result<DataSource> LoadCifarFolder(const fs::path& folder) {
  const Format& format = FormatOf(folder);
  ASSIGN_OR_RETURN(Dataset train, LoadSet(folder, format.train_files, format));
  ASSIGN_OR_RETURN(Dataset test, LoadSet(folder, {format.test_file}, format));
  return DataSource{.name = folder.string(),
                    .train = std::move(train),
                    .test = std::move(test)};
}

}  // namespace batchsweep

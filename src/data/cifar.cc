#include "data/cifar.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "data/byte_stream.h"
#include "data/room.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSide = 32;
constexpr int64_t kChannels = 3;
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

// One file and how many records it has.
struct RecordFile {
  fs::path path;
  int64_t records = 0;
};

// The bytes of a file, which has no header that would tell them. A compressed
// one is inflated for it and thrown away, since the size that stands at its end
// is the last member's alone.
Result<int64_t> CountBytes(const fs::path& path) {
  ASSIGN_OR_RETURN(ByteStream stream, ByteStream::Open(path));
  if (!stream.inflates()) return stream.file_bytes();
  return stream.Skip(stream.most_bytes() + 1);
}

Result<RecordFile> CountRecords(const fs::path& path, const Format& format) {
  ASSIGN_OR_RETURN(const int64_t bytes, CountBytes(path));
  const auto record_bytes = static_cast<int64_t>(format.record_bytes());
  if (bytes == 0 || bytes % record_bytes != 0) {
    return Fail(
        "{}: expected records of {} bytes, found {} bytes; fetch {}'s binary "
        "version again",
        path.string(), record_bytes, bytes, format.name);
  }
  return RecordFile{path, bytes / record_bytes};
}

Status CheckLabels(const RecordFile& file, std::span<const uint8_t> record,
                   int64_t index, const Format& format) {
  for (size_t i = 0; i < format.label_counts.size(); ++i) {
    if (record[i] < format.label_counts[i]) continue;
    return Fail(
        "{}: expected labels from 0 to {}, found {} in record {} of {}; is "
        "it {}'s binary version?",
        file.path.string(), format.label_counts[i] - 1, record[i], index + 1,
        file.records, format.name);
  }
  return {};
}

// Makes of three planes one behind the other an image in which a pixel's three
// values lie side by side.
void ToImage(std::span<const uint8_t> planes, uint8_t* image) {
  for (size_t pixel = 0; pixel < kPlaneBytes; ++pixel) {
    for (size_t channel = 0; channel < kChannels; ++channel) {
      *image++ = planes[channel * kPlaneBytes + pixel];
    }
  }
}

// Records as they become examples.
struct Examples {
  std::vector<uint8_t> images;
  std::vector<uint8_t> labels;
};

// Appends those records of the file that are among `rows`, which count from
// its first.
Status ReadRecords(const RecordFile& file, const RowRange& rows,
                   const Format& format, Examples& examples) {
  const int64_t begin = std::max<int64_t>(rows.begin, 0);
  const int64_t end = std::min(rows.end, file.records);
  if (begin >= end) return {};
  ASSIGN_OR_RETURN(ByteStream stream, ByteStream::Open(file.path));
  std::vector<uint8_t> record(format.record_bytes());
  ASSIGN_OR_RETURN([[maybe_unused]] const int64_t skipped,
                   stream.Skip(begin * std::ssize(record)));
  const size_t label_bytes = format.label_counts.size();
  for (int64_t i = begin; i < end; ++i) {
    ASSIGN_OR_RETURN(const size_t size, stream.Read(record));
    if (size < record.size()) {
      return Fail("cannot read {} to its end", file.path.string());
    }
    RETURN_IF_ERROR(CheckLabels(file, record, i, format));
    examples.labels.push_back(record[label_bytes - 1]);
    const size_t image = examples.images.size();
    examples.images.resize(image + kImageBytes);
    ToImage(std::span(record).subspan(label_bytes), &examples.images[image]);
  }
  return {};
}

Result<std::vector<RecordFile>> FindSet(const fs::path& folder,
                                        const std::vector<std::string>& names,
                                        const Format& format) {
  std::vector<RecordFile> files;
  for (const std::string& name : names) {
    const auto path = FindFile(folder, name);
    if (!path) {
      return Fail(
          "{}: expected {} or {}.gz in it, found neither; fetch {}'s binary "
          "version",
          folder.string(), name, name, format.name);
    }
    ASSIGN_OR_RETURN(RecordFile file, CountRecords(*path, format));
    files.push_back(std::move(file));
  }
  return files;
}

int64_t RecordsOf(std::span<const RecordFile> files) {
  int64_t records = 0;
  for (const RecordFile& file : files) records += file.records;
  return records;
}

// Reads those records of a set that are among `rows`, which go through all of
// its files.
Result<Dataset> ReadSet(std::span<const RecordFile> files, const RowRange& rows,
                        const Format& format) {
  const auto image_bytes = static_cast<int64_t>(kImageBytes);
  RETURN_IF_ERROR(CheckRoom(files.front().path.string(),
                            {{rows.size(), kSide, kSide, kChannels}},
                            rows.size() * (image_bytes + 1)));
  Examples examples;
  examples.images.reserve(static_cast<size_t>(rows.size()) * kImageBytes);
  examples.labels.reserve(static_cast<size_t>(rows.size()));
  int64_t first = 0;  // record of the file
  for (const RecordFile& file : files) {
    RETURN_IF_ERROR(ReadRecords(file, {rows.begin - first, rows.end - first},
                                format, examples));
    first += file.records;
  }
  return Dataset{.example_shape = {{kSide, kSide, kChannels}},
                 .class_count = format.label_counts.back(),
                 .images = std::move(examples.images),
                 .labels = std::move(examples.labels)};
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

Result<DataSource> LoadCifarFolder(const fs::path& folder,
                                   const Selection& selection) {
  const Format& format = FormatOf(folder);
  ASSIGN_OR_RETURN(const auto train,
                   FindSet(folder, format.train_files, format));
  ASSIGN_OR_RETURN(const auto test,
                   FindSet(folder, {format.test_file}, format));
  const int64_t examples = RecordsOf(train);
  DataSource source{.name = folder.string()};
  ASSIGN_OR_RETURN(source.train,
                   ReadSet(train, selection.Train(examples), format));
  ASSIGN_OR_RETURN(source.held_back,
                   ReadSet(train, selection.HeldBack(examples), format));
  ASSIGN_OR_RETURN(source.test, ReadSet(test, {0, RecordsOf(test)}, format));
  return source;
}

}  // namespace batchsweep

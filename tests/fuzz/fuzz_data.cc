// The formats of data sets.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data/cifar.h"
#include "data/dataset.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/npy_header.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/fuzz/fuzzed_folder.h"
#include "tests/gzip_bytes.h"
#include "util/check.h"

namespace batchsweep {
namespace {

using std::string_literals::operator""s;

// What every reader of data promises (data/dataset.h).
void CheckSet(const Dataset& set) {
  CHECK(set.size() > 0);
  const auto count = static_cast<size_t>(set.size());
  const auto width = static_cast<size_t>(set.example_shape.elements());
  const std::span<const uint8_t> images(set.images), labels(set.labels);
  const std::span<const float> floats(set.floats), targets(set.targets);
  CHECK(images.size() + floats.size() == count * width);
  CHECK(labels.empty() || labels.size() == count);
  CHECK(targets.size() % count == 0);
  for (const uint8_t label : labels) CHECK(label < set.class_count);
}

void CheckSource(const Result<DataSource>& source) {
  if (!source) {
    CHECK(!source.error().message.empty());
    return;
  }
  CheckSet(source->train);
  CheckSet(source->test);
}

// Two images of 2x2, and their labels.
const std::string kIdxImages =
    "\0\0\x8\3\0\0\0\2\0\0\0\2\0\0\0\2"s + "abcdefgh";
const std::string kIdxLabels = "\0\0\x8\1\0\0\0\2\1\0"s;

// The bytes of an .npy file of version 1.0.
std::string Npy(std::string_view header, std::string_view values) {
  return "\x93NUMPY\1\0"s + LittleEndian(header.size(), 2) +
         std::string(header) + std::string(values);
}

}  // namespace

void FuzzGzip(std::string_view bytes) {
  static const FuzzedFolder folder(
      {{"train-labels-idx1-ubyte.gz", Gzip(kIdxLabels)},
       {"train-images-idx3-ubyte", kIdxImages},
       {"t10k-images-idx3-ubyte", kIdxImages},
       {"t10k-labels-idx1-ubyte", kIdxLabels}});
  folder.WithOneReplaced('\0' + std::string(bytes),
                         [] { CheckSource(LoadIdxFolder(folder.path())); });
}

void FuzzIdx(std::string_view bytes) {
  static const FuzzedFolder folder({{"train-images-idx3-ubyte", kIdxImages},
                                    {"train-labels-idx1-ubyte", kIdxLabels},
                                    {"t10k-images-idx3-ubyte", kIdxImages},
                                    {"t10k-labels-idx1-ubyte", kIdxLabels}});
  folder.WithOneReplaced(bytes,
                         [] { CheckSource(LoadIdxFolder(folder.path())); });
}

void FuzzCifar(std::string_view bytes) {
  static const std::string record = '\3' + std::string(3072, 'x');
  // As in two folders: a file of CIFAR-10 hides those of CIFAR-100.
  static const FuzzedFolder ten({{"data_batch_1.bin", record},
                                 {"data_batch_2.bin", record},
                                 {"data_batch_3.bin", record},
                                 {"data_batch_4.bin", record},
                                 {"data_batch_5.bin", record},
                                 {"test_batch.bin", record}});
  static const FuzzedFolder hundred(
      {{"train.bin", '\1' + record}, {"test.bin", '\1' + record}});
  if (bytes.empty()) return;
  const FuzzedFolder& folder = bytes[0] % 2 == 0 ? ten : hundred;
  folder.WithOneReplaced(bytes.substr(1),
                         [&] { CheckSource(LoadCifarFolder(folder.path())); });
}

void FuzzNpy(std::string_view bytes) {
  static const std::string x =
      Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n",
          "\0\0\x80?\0\0\x80?\0\0\x80?\0\0\x80?"s);
  static const std::string y = Npy(
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n", "\0\1"s);
  static const FuzzedFolder folder({{"x_train.npy", x},
                                    {"y_train.npy", y},
                                    {"x_test.npy", x},
                                    {"y_test.npy", y}});
  folder.WithOneReplaced(bytes,
                         [] { CheckSource(LoadNpyFolder(folder.path())); });
}

void FuzzNpyHeader(std::string_view bytes) {
  const auto header = ParseNpyHeader(bytes);
  if (!header) return;
  for (const int64_t size : header->shape) CHECK(size >= 0);
  for (const char c : header->descr) CHECK(c >= ' ' && c <= '~');
}

}  // namespace batchsweep

#include "data/synthetic.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "util/check.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

// One stream each, so that the size of one set does not change the other.
constexpr uint64_t kPrototypeStream = 2;
constexpr uint64_t kTrainStream = 3;
constexpr uint64_t kTestStream = 4;

// Prototypes are flat in squares of this many pixels: a 3x3 convolution, which
// sees little of its own in per-pixel patterns, then has something to find.
constexpr int64_t kBlock = 4;

// How far apart two classes are, in standard deviations of the noise.
constexpr int64_t kSeparation = 9;

int64_t SquareRoot(int64_t value) {
  int64_t root = 0;
  while ((root + 1) * (root + 1) <= value) ++root;
  return root;
}

// The brightest a prototype gets; the noise fills the rest of 0 .. 255. Two
// prototypes of P pixels uniform in 0 .. b differ by b * sqrt(P / 6), noise
// uniform in 0 .. n deviates by n / sqrt(12): for b + n = 255 their ratio is
// kSeparation at this b. All in integers: libm differs between targets.
uint8_t PrototypePeak(int64_t pixels) {
  const int64_t root = SquareRoot(2 * pixels);
  return static_cast<uint8_t>(255 * kSeparation / (kSeparation + root));
}

// (H, W, C) of examples of one to three dimensions.
Shape ImageShapeOf(const Shape& example) {
  Shape image = example;
  if (image.dims.size() == 1) image.dims.insert(image.dims.begin(), 1);
  if (image.dims.size() == 2) image.dims.push_back(1);
  return image;
}

// (class_count, H, W, C)
std::vector<uint8_t> MakePrototypes(const SyntheticOptions& options,
                                    uint8_t peak) {
  const Shape image = ImageShapeOf(options.example_shape);
  const int64_t height = image.dims[0];
  const int64_t width = image.dims[1];
  const int64_t channels = image.dims[2];
  const int64_t blocks_across = (width + kBlock - 1) / kBlock;
  const int64_t blocks_down = (height + kBlock - 1) / kBlock;
  Rng rng(options.seed, kPrototypeStream);
  std::vector<uint8_t> prototypes;
  std::vector<uint8_t> blocks(
      static_cast<size_t>(blocks_down * blocks_across * channels));
  for (int64_t label = 0; label < options.class_count; ++label) {
    for (uint8_t& block : blocks) {
      block = static_cast<uint8_t>(rng.Below(peak + 1u));
    }
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const int64_t block = y / kBlock * blocks_across + x / kBlock;
        const uint8_t* first = blocks.data() + block * channels;
        prototypes.insert(prototypes.end(), first, first + channels);
      }
    }
  }
  return prototypes;
}

// Writes prototype + noise. One draw serves eight pixels: at one each, the
// engine would take most of a run's start.
void DrawImage(const uint8_t* prototype, size_t pixels, unsigned noise_levels,
               Rng& rng, uint8_t* image) {
  for (size_t begin = 0; begin < pixels; begin += 8) {
    const uint64_t draw = rng.Next();
    const size_t count = std::min<size_t>(8, pixels - begin);
    for (size_t i = 0; i < count; ++i) {
      const auto byte = static_cast<unsigned>(draw >> (8 * i) & 0xff);
      image[begin + i] = static_cast<uint8_t>(prototype[begin + i] +
                                              (byte * noise_levels >> 8));
    }
  }
}

Dataset MakeDataset(const SyntheticOptions& options, int64_t size,
                    const std::vector<uint8_t>& prototypes, uint8_t peak,
                    uint64_t stream) {
  const auto pixels = static_cast<size_t>(options.example_shape.elements());
  const auto class_count = static_cast<size_t>(options.class_count);
  const auto count = static_cast<size_t>(size);
  Dataset dataset{
      .example_shape = options.example_shape,
  };
  if (dataset.example_shape.dims.size() == 2) {
    dataset.example_shape.dims.push_back(1);
  }
  if (!options.reconstruct) {
    dataset.class_count = options.class_count;
  }
  std::vector<uint8_t> images(count * pixels);
  std::vector<uint8_t> labels(options.reconstruct ? 0 : count);
  Rng rng(options.seed, stream);
  for (size_t i = 0; i < count; ++i) {
    const size_t label = i % class_count;
    if (!options.reconstruct) labels[i] = static_cast<uint8_t>(label);
    DrawImage(&prototypes[label * pixels], pixels, 256u - peak, rng,
              &images[i * pixels]);
  }
  dataset.images = std::move(images);
  dataset.labels = std::move(labels);
  return dataset;
}

}  // namespace

DataSource MakeSynthetic(const SyntheticOptions& options) {
  const size_t dim_count = options.example_shape.dims.size();
  CHECK(dim_count >= 1 && dim_count <= 3);
  CHECK(std::ranges::min(options.example_shape.dims) > 0);
  CHECK(options.class_count >= 2 && options.class_count <= 256);
  CHECK(options.train_size >= 0 && options.test_size >= 0);
  const uint8_t peak = PrototypePeak(options.example_shape.elements());
  const std::vector<uint8_t> prototypes = MakePrototypes(options, peak);
  return {.name = "synthetic",
          .train = MakeDataset(options, options.train_size, prototypes, peak,
                               kTrainStream),
          .test = MakeDataset(options, options.test_size, prototypes, peak,
                              kTestStream)};
}

}  // namespace batchsweep

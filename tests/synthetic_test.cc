#include "data/synthetic.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace batchsweep {
namespace {

std::span<const uint8_t> Image(const Dataset& dataset, size_t index) {
  const auto pixels = static_cast<size_t>(dataset.example_shape.elements());
  return {&dataset.images[index * pixels], pixels};
}

// The mean image of each class over the first `count` examples.
std::vector<std::vector<double>> ClassMeans(const Dataset& dataset,
                                            size_t count) {
  const auto classes = static_cast<size_t>(dataset.class_count);
  const auto pixels = static_cast<size_t>(dataset.example_shape.elements());
  std::vector means(classes, std::vector<double>(pixels));
  for (size_t i = 0; i < count; ++i) {
    for (size_t p = 0; p < pixels; ++p) {
      means[dataset.labels[i]][p] += Image(dataset, i)[p] *
                                     static_cast<double>(classes) /
                                     static_cast<double>(count);
    }
  }
  return means;
}

// What a small convolutional network makes of images: the mean of every 3x3
// square in each channel, then the highest of every 2x2 such means.
Dataset Pooled(const Dataset& dataset) {
  const auto height = static_cast<size_t>(dataset.example_shape.dims[0]);
  const auto width = static_cast<size_t>(dataset.example_shape.dims[1]);
  const auto channels = static_cast<size_t>(dataset.example_shape.dims[2]);
  std::vector<uint8_t> images;
  for (size_t i = 0; i < dataset.labels.size(); ++i) {
    const uint8_t* image = Image(dataset, i).data();
    const auto mean = [&](size_t y, size_t x, size_t c) {
      int sum = 0;
      for (size_t p = 0; p < 9; ++p) {
        sum += image[((y + p / 3) * width + x + p % 3) * channels + c];
      }
      return static_cast<uint8_t>(sum / 9);
    };
    for (size_t y = 0; y + 4 <= height; y += 2) {
      for (size_t x = 0; x + 4 <= width; x += 2) {
        for (size_t c = 0; c < channels; ++c) {
          images.push_back(
              std::max({mean(y, x, c), mean(y, x + 1, c), mean(y + 1, x, c),
                        mean(y + 1, x + 1, c)}));
        }
      }
    }
  }
  Dataset pooled = dataset;
  pooled.images = std::move(images);
  pooled.example_shape.dims[0] = (dataset.example_shape.dims[0] - 2) / 2;
  pooled.example_shape.dims[1] = (dataset.example_shape.dims[1] - 2) / 2;
  return pooled;
}

double SquaredDistance(std::span<const uint8_t> image,
                       const std::vector<double>& mean) {
  double sum = 0;
  for (size_t p = 0; p < mean.size(); ++p) {
    sum += (image[p] - mean[p]) * (image[p] - mean[p]);
  }
  return sum;
}

// How many of the test images lie nearest to the mean of their own class, as
// learnt from so many training examples.
double NearestMeanAccuracy(const DataSource& source, size_t train_examples) {
  const auto means = ClassMeans(source.train, train_examples);
  size_t right = 0;
  for (size_t i = 0; i < source.test.labels.size(); ++i) {
    size_t best = 0;
    for (size_t label = 1; label < means.size(); ++label) {
      if (SquaredDistance(Image(source.test, i), means[label]) <
          SquaredDistance(Image(source.test, i), means[best])) {
        best = label;
      }
    }
    right += best == source.test.labels[i];
  }
  return static_cast<double>(right) /
         static_cast<double>(source.test.labels.size());
}

uint64_t Fnv1a(std::span<const uint8_t> bytes) {
  return std::accumulate(bytes.begin(), bytes.end(),
                         uint64_t{0xcbf29ce484222325},
                         [](uint64_t hash, uint8_t byte) {
                           return (hash ^ byte) * 0x100000001b3;
                         });
}

TEST_CASE("synthetic data has the sizes asked for", "[synthetic]") {
  const DataSource source = MakeSynthetic({.example_shape = {{5, 3, 2}},
                                           .class_count = 4,
                                           .train_size = 10,
                                           .test_size = 6});
  CHECK(source.name == "synthetic");
  CHECK(source.train.example_shape == Shape{{5, 3, 2}});
  CHECK(source.test.example_shape == Shape{{5, 3, 2}});
  CHECK(source.train.class_count == 4);
  CHECK(source.test.class_count == 4);
  CHECK(source.train.images.size() == 300);
  CHECK(source.test.images.size() == 180);
  CHECK(source.train.labels ==
        std::vector<uint8_t>{0, 1, 2, 3, 0, 1, 2, 3, 0, 1});
  CHECK(source.test.labels == std::vector<uint8_t>{0, 1, 2, 3, 0, 1});
}

TEST_CASE("synthetic data takes extreme shapes and class counts",
          "[synthetic]") {
  const DataSource one = MakeSynthetic(
      {.example_shape = {{1, 1, 1}}, .class_count = 2, .train_size = 3});
  CHECK(one.train.images.size() == 3);
  CHECK(one.test.images.empty());
  const DataSource many = MakeSynthetic(
      {.example_shape = {{2, 9, 3}}, .class_count = 256, .train_size = 257});
  CHECK(many.train.labels[255] == 255);
  CHECK(many.train.labels[256] == 0);
}

TEST_CASE("synthetic data is the same bytes on every target", "[synthetic]") {
  const DataSource source = MakeSynthetic({.example_shape = {{28, 28, 1}},
                                           .train_size = 100,
                                           .test_size = 50,
                                           .seed = 7});
  CHECK(Fnv1a(source.train.images) == 0xd90a53e7cf69b31b);
  CHECK(Fnv1a(source.test.images) == 0x700fec49b9f9d420);
}

TEST_CASE("another seed gives other synthetic data", "[synthetic]") {
  SyntheticOptions options{
      .example_shape = {{8, 8, 1}}, .train_size = 20, .test_size = 20};
  const DataSource first = MakeSynthetic(options);
  CHECK(MakeSynthetic(options).train.images == first.train.images);
  CHECK(first.train.images != first.test.images);
  options.seed = 2;
  CHECK(MakeSynthetic(options).train.images != first.train.images);
}

TEST_CASE("a smaller synthetic set is the beginning of a larger",
          "[synthetic]") {
  const DataSource small = MakeSynthetic(
      {.example_shape = {{8, 8, 1}}, .train_size = 20, .test_size = 20});
  const DataSource large = MakeSynthetic(
      {.example_shape = {{8, 8, 1}}, .train_size = 30, .test_size = 20});
  CHECK(std::vector(large.train.images.begin(),
                    large.train.images.begin() + 20 * 64) ==
        small.train.images);
  CHECK(large.test.images == small.test.images);
}

TEST_CASE("synthetic data can be learnt, but not from a glance",
          "[synthetic]") {
  for (const Shape& shape : {Shape{{28, 28, 1}}, Shape{{8, 8, 1}},
                             Shape{{16, 16, 3}}, Shape{{32, 32, 3}}}) {
    INFO(shape.ToString());
    const DataSource source = MakeSynthetic(
        {.example_shape = shape, .train_size = 2000, .test_size = 300});
    CHECK(NearestMeanAccuracy(source, 2000) > 0.93);
    CHECK(NearestMeanAccuracy(source, 10) < 0.99);
  }
}

TEST_CASE("synthetic classes outlast convolution and pooling", "[synthetic]") {
  const DataSource images = MakeSynthetic(
      {.example_shape = {{32, 32, 3}}, .train_size = 2000, .test_size = 300});
  const DataSource pooled{.name = "pooled",
                          .train = Pooled(images.train),
                          .test = Pooled(images.test)};
  REQUIRE(pooled.train.size() == 2000);
  CHECK(NearestMeanAccuracy(pooled, 2000) > 0.9);
}

TEST_CASE("synthetic rows and planes are images of the same bytes",
          "[synthetic]") {
  const auto make = [](const Shape& shape) {
    return MakeSynthetic(
        {.example_shape = shape, .train_size = 20, .test_size = 10});
  };
  const DataSource row = make({{30}});
  CHECK(row.train.example_shape == Shape{{30}});
  CHECK(row.train.images == make({{1, 30, 1}}).train.images);
  const DataSource plane = make({{5, 6}});
  CHECK(plane.test.example_shape == Shape{{5, 6, 1}});
  CHECK(plane.test.images == make({{5, 6, 1}}).test.images);
}

TEST_CASE("synthetic data to reconstruct has the same images, no labels",
          "[synthetic]") {
  SyntheticOptions options{
      .example_shape = {{8, 8, 1}}, .train_size = 20, .test_size = 10};
  const DataSource labelled = MakeSynthetic(options);
  options.reconstruct = true;
  const DataSource source = MakeSynthetic(options);
  CHECK(source.train.images == labelled.train.images);
  CHECK(source.test.images == labelled.test.images);
  CHECK(source.train.labels.empty());
  CHECK(source.test.labels.empty());
  CHECK(source.train.class_count == 0);
  CHECK(source.train.size() == 20);
}

}  // namespace
}  // namespace batchsweep

#include "data/selection.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <vector>

#include "data/dataset.h"

namespace batchsweep {
namespace {

int64_t Fifth(int64_t examples) { return examples / 5; }

TEST_CASE("without limits all examples are used, none held back",
          "[selection]") {
  const Selection all;
  CHECK(all.Train(10).begin == 0);
  CHECK(all.Train(10).end == 10);
  CHECK(all.HeldBack(10).size() == 0);
}

TEST_CASE("a limit leaves untouched which examples are held back",
          "[selection]") {
  for (const int64_t limit : {1, 3, 79, 80, 81, 1000}) {
    const Selection some{.held_back_of = Fifth, .train_limit = limit};
    CHECK(some.Train(100).begin == 0);
    CHECK(some.Train(100).end == std::min<int64_t>(limit, 80));
    CHECK(some.HeldBack(100).begin == 80);
    CHECK(some.HeldBack(100).end == 100);
  }
  const Selection few{.held_back_of = Fifth, .held_back_limit = 3};
  CHECK(few.Train(100).end == 80);
  CHECK(few.HeldBack(100).begin == 80);
  CHECK(few.HeldBack(100).end == 83);
}

TEST_CASE("a part of a dataset has the values of its rows", "[selection]") {
  const Dataset dataset{.example_shape = {{2}},
                        .class_count = 5,
                        .target_shape = {{1}},
                        .images = std::vector<uint8_t>{0, 1, 2, 3, 4, 5},
                        .labels = std::vector<uint8_t>{7, 8, 9},
                        .targets = std::vector<float>{1, 2, 3}};
  const Dataset part = dataset.Part({1, 3});
  CHECK(part.size() == 2);
  CHECK(part.class_count == 5);
  CHECK(part.images == std::vector<uint8_t>{2, 3, 4, 5});
  CHECK(part.labels == std::vector<uint8_t>{8, 9});
  CHECK(part.targets == std::vector<float>{2, 3});
  CHECK(part.floats.empty());
  CHECK(dataset.Part({3, 3}).size() == 0);
}

}  // namespace
}  // namespace batchsweep

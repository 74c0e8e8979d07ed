#include "data/batcher.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <numeric>

namespace batchsweep {
namespace {

std::vector<uint32_t> Epoch(Batcher& batcher, int64_t epoch, int64_t batch) {
  std::vector<uint32_t> rows;
  batcher.StartEpoch(epoch);
  for (auto next = batcher.Next(batch); !next.empty();
       next = batcher.Next(batch)) {
    rows.insert(rows.end(), next.begin(), next.end());
  }
  return rows;
}

constexpr ExampleRange kRange = {.begin = 100, .end = 130};

TEST_CASE("without shuffling examples come in their order", "[batcher]") {
  Batcher batcher(kRange, {.shuffle = false});
  std::vector<uint32_t> want(30);
  std::iota(want.begin(), want.end(), 100u);
  CHECK(Epoch(batcher, 1, 8) == want);
}

TEST_CASE("an epoch draws every example once", "[batcher]") {
  Batcher batcher(kRange, {.seed = 3});
  auto rows = Epoch(batcher, 1, 7);
  std::vector<uint32_t> in_order(30);
  std::iota(in_order.begin(), in_order.end(), 100u);
  CHECK(rows != in_order);
  std::ranges::sort(rows);
  CHECK(rows == in_order);
}

TEST_CASE("the order depends on seed and epoch, not on the batch size",
          "[batcher]") {
  Batcher one(kRange, {.seed = 3}), same(kRange, {.seed = 3}),
      other(kRange, {.seed = 4});
  const auto first = Epoch(one, 1, 1);
  CHECK(Epoch(same, 2, 8) != first);
  CHECK(Epoch(same, 1, 8) == first);
  CHECK(Epoch(other, 1, 1) != first);
}

TEST_CASE("the shuffle is the same on every target", "[batcher]") {
  Batcher batcher({.begin = 0, .end = 10}, {.seed = 1});
  // From a Mersenne twister and Fisher-Yates written apart, in Python.
  CHECK(Epoch(batcher, 1, 10) ==
        std::vector<uint32_t>{6, 9, 4, 0, 3, 5, 2, 7, 1, 8});
}

TEST_CASE("the last batch is smaller and nothing follows it", "[batcher]") {
  Batcher batcher(kRange, {});
  batcher.StartEpoch(1);
  CHECK(batcher.BatchesPerEpoch(8) == 4);
  CHECK(batcher.BatchesPerEpoch(30) == 1);
  for (const size_t want : {8u, 8u, 8u, 6u, 0u, 0u}) {
    CHECK(batcher.Next(8).size() == want);
  }
  CHECK(batcher.position() == 30);
}

TEST_CASE("an epoch can be taken up where it was left", "[batcher]") {
  Batcher batcher(kRange, {.seed = 5});
  const auto whole = Epoch(batcher, 2, 4);
  Batcher later(kRange, {.seed = 5});
  later.StartEpoch(2, 12);
  const auto rows = later.Next(4);
  CHECK(std::ranges::equal(rows, std::span(whole).subspan(12, 4)));
}

}  // namespace
}  // namespace batchsweep

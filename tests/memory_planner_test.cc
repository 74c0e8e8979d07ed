#include "graph/memory_planner.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "util/rng.h"

namespace batchsweep {
namespace {

constexpr auto kAny = MemoryClass::kActivations;

bool LiveTogether(const TensorPlan& a, const TensorPlan& b) {
  return a.first_use <= b.last_use && b.first_use <= a.last_use;
}

TEST_CASE("an empty plan needs no memory", "[memory_planner]") {
  MemoryPlanner planner;
  planner.Plan();
  CHECK(planner.arena_bytes() == 0);
}

TEST_CASE("tensors that live at different times share their place",
          "[memory_planner]") {
  MemoryPlanner planner;
  planner.Add("a", kAny, 1000, 0, 1);
  planner.Add("b", kAny, 1000, 2, 3);
  planner.Plan();
  CHECK(planner.tensors()[0].offset == planner.tensors()[1].offset);
  CHECK(planner.arena_bytes() == 1088);  // 1000 + 64 of slack, rounded up
}

TEST_CASE("a moment of use in common is enough to keep tensors apart",
          "[memory_planner]") {
  MemoryPlanner planner;
  planner.Add("a", kAny, 100, 0, 2);
  planner.Add("b", kAny, 100, 2, 3);
  planner.Plan();
  CHECK(planner.tensors()[0].offset != planner.tensors()[1].offset);
}

TEST_CASE("a small tensor goes into the gap that a large one left",
          "[memory_planner]") {
  MemoryPlanner planner;
  planner.Add("whole step", kAny, 4096, 0, 9);
  planner.Add("early", kAny, 2048, 0, 4);
  planner.Add("late", kAny, 512, 5, 9);
  planner.Add("late too", kAny, 512, 5, 9);
  planner.Plan();
  CHECK(planner.arena_bytes() == 4096 + 64 + 2048 + 64);
}

TEST_CASE("bytes are told by class as they were asked for",
          "[memory_planner]") {
  MemoryPlanner planner;
  planner.Add("w", MemoryClass::kWeights, 10, 0, 9);
  planner.Add("x", MemoryClass::kWorkspace, 7, 0, 1);
  planner.Add("y", MemoryClass::kWorkspace, 5, 2, 3);
  const auto bytes = planner.BytesByClass();
  CHECK(bytes[static_cast<size_t>(MemoryClass::kWeights)] == 10);
  CHECK(bytes[static_cast<size_t>(MemoryClass::kWorkspace)] == 12);
  CHECK(bytes[static_cast<size_t>(MemoryClass::kGradients)] == 0);
}

TEST_CASE("random plans keep every promise", "[memory_planner]") {
  Rng rng(GENERATE(range(uint64_t{1}, uint64_t{51})), 0);
  MemoryPlanner planner;
  const auto count = rng.Below(60);
  int64_t sum = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const auto bytes = static_cast<int64_t>(rng.Below(10'000));
    const auto first = static_cast<int>(rng.Below(20));
    planner.Add("t", kAny, bytes, first,
                first + static_cast<int>(rng.Below(10)));
    sum += (bytes + 127) / 64 * 64;
  }
  planner.Plan();
  CHECK(planner.arena_bytes() <= sum);
  const auto& tensors = planner.tensors();
  for (size_t i = 0; i < tensors.size(); ++i) {
    REQUIRE(tensors[i].offset % 64 == 0);
    REQUIRE(tensors[i].offset + tensors[i].bytes + 64 <= planner.arena_bytes());
    for (size_t j = 0; j < tensors.size(); ++j) {
      if (i == j || !LiveTogether(tensors[i], tensors[j])) continue;
      // Either j begins behind i and its slack, or it ends before i.
      REQUIRE((tensors[j].offset >= tensors[i].offset + tensors[i].bytes + 64 ||
               tensors[j].offset + tensors[j].bytes + 64 <= tensors[i].offset));
    }
  }
}

}  // namespace
}  // namespace batchsweep

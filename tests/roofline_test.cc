#include "measure/roofline.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>

namespace batchsweep {
namespace {

// A step of 100 operations and 10 bytes.
double LimitNs(const MachineLimits& limits) {
  return 100 / limits.matmul_flops_per_second +
         10 / limits.update_bytes_per_second;
}

TEST_CASE("a limit that was measured slow is measured again", "[roofline]") {
  // Disturbed at first: by half, then in one of its rates, then not at all.
  const std::vector<MachineLimits> found = {{1, 1}, {2, 0.5}, {1, 2}, {9, 9}};
  size_t measured = 0;
  const auto measure = [&] { return found[measured++]; };
  MachineLimits limits;
  // 100 / 2 + 10 / 2 takes the best of each.
  CHECK(UnbeatenLimitNs(56.0, LimitNs, measure, limits) == 55.0);
  CHECK(measured == 3);
  CHECK(limits.matmul_flops_per_second == 2);
  CHECK(limits.update_bytes_per_second == 2);
}

TEST_CASE("a limit that holds is not measured again", "[roofline]") {
  MachineLimits limits = {2, 2};
  const auto never = [&]() -> MachineLimits {
    FAIL("measured again");
    return {};
  };
  CHECK(UnbeatenLimitNs(55.0, LimitNs, never, limits) == 55.0);
}

TEST_CASE("a limit that a step beats time and again is none", "[roofline]") {
  int measured = 0;
  const auto slow = [&]() -> MachineLimits {
    ++measured;
    return {1, 1};
  };
  MachineLimits limits;
  CHECK_FALSE(UnbeatenLimitNs(109.0, LimitNs, slow, limits).has_value());
  CHECK(measured == 5);
  const Warning warning = LimitWarning("batch 8");
  CHECK(warning.name == "limit");
  CHECK(warning.message.starts_with("batch 8: "));
}

TEST_CASE("a limit whose measurement takes long is measured once",
          "[roofline]") {
  int measured = 0;
  const auto slow = [&]() -> MachineLimits {
    ++measured;
    std::this_thread::sleep_for(std::chrono::milliseconds(1001));
    return {1, 1};
  };
  MachineLimits limits;
  CHECK_FALSE(UnbeatenLimitNs(109.0, LimitNs, slow, limits).has_value());
  CHECK(measured == 1);
}

}  // namespace
}  // namespace batchsweep

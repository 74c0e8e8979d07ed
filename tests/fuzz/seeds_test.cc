// Feeds the fuzz targets what is kept for them: examples of each way through
// the readers, and all that the fuzzer ever found.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <set>
#include <string>

#include "platform/file.h"
#include "tests/fuzz/fuzz_targets.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

TEST_CASE("the readers take or refuse all seeds of the fuzzer", "[fuzz]") {
  for (const FuzzTarget& target : FuzzTargets()) {
    int seeds = 0;
    for (const auto& seed : fs::directory_iterator(
             fs::path(BATCHSWEEP_FUZZ_SEEDS) / target.name)) {
      INFO(seed.path().string());
      target.run(ReadFile(seed.path()).value());
      ++seeds;
    }
    INFO(target.name);
    CHECK(seeds > 0);
  }
}

TEST_CASE("every folder of seeds is of a fuzz target", "[fuzz]") {
  for (const auto& folder : fs::directory_iterator(BATCHSWEEP_FUZZ_SEEDS)) {
    INFO(folder.path().string());
    CHECK(FindFuzzTarget(folder.path().filename().string()) != nullptr);
  }
}

}  // namespace
}  // namespace batchsweep

// libFuzzer's view of the targets: `batchsweep_fuzz TARGET [its arguments]`.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/fuzz_targets.h"

namespace {

// Its processes of -jobs and -fork are told by this instead of an argument.
constexpr const char* kVariable = "BATCHSWEEP_FUZZ_TARGET";

const batchsweep::FuzzTarget* target = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc > 1 && (*argv)[1][0] != '-') {
    setenv(kVariable, (*argv)[1], /*overwrite=*/1);
    (*argv)[1] = (*argv)[0];
    ++*argv;
    --*argc;
  }
  const char* const name = std::getenv(kVariable);
  target = batchsweep::FindFuzzTarget(name != nullptr ? name : "");
  if (target != nullptr) return 0;
  std::fprintf(stderr, "batchsweep_fuzz: expected a target first, one of:");
  for (const auto& each : batchsweep::FuzzTargets()) {
    std::fprintf(stderr, " %s", each.name);
  }
  std::fprintf(stderr, "\n");
  std::exit(1);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  target->run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}

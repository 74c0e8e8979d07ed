#include "tests/fuzz/fuzz_targets.h"

#include <algorithm>
#include <array>

namespace batchsweep {
namespace {

constexpr auto kTargets = std::to_array<FuzzTarget>({
    {"board", FuzzBoard},
    {"cifar", FuzzCifar},
    {"csv", FuzzCsv},
    {"flags", FuzzFlags},
    {"gzip", FuzzGzip},
    {"idx", FuzzIdx},
    {"keras_json", FuzzKerasJson},
    {"mailbox", FuzzMailbox},
    {"memory", FuzzMemory},
    {"npy", FuzzNpy},
    {"npy_header", FuzzNpyHeader},
    {"run_info", FuzzRunInfo},
    {"safetensors", FuzzSafetensors},
    {"state", FuzzState},
});

}  // namespace

std::span<const FuzzTarget> FuzzTargets() { return kTargets; }

const FuzzTarget* FindFuzzTarget(std::string_view name) {
  const auto found = std::ranges::find(kTargets, name, &FuzzTarget::name);
  return found != kTargets.end() ? &*found : nullptr;
}

}  // namespace batchsweep

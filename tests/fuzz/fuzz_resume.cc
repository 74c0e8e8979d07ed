// What a run that is resumed reads of the earlier one.
#include <cstdint>
#include <string>
#include <string_view>

#include "record/earlier_run.h"
#include "record/json.h"
#include "record/sealed_json.h"
#include "sweep/checkpoint.h"
#include "sweep/kernel_choices.h"
#include "sweep/sweep_position.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/temp_dir.h"
#include "util/check.h"

namespace batchsweep {
namespace {

// Few changed bytes keep a checksum: an object gets one of its own, so that
// what is in it is read. The first byte says whether.
std::string Sealed(std::string_view bytes) {
  if (bytes.empty()) return "";
  const std::string_view text = bytes.substr(1);
  const Json json = ParseJson(text);
  if (bytes[0] % 2 != 0 || !json.is_object() || json.empty()) {
    return std::string(text);
  }
  return SealedText(json);
}

template <class Value>
void CheckMessage(const Result<Value>& result) {
  if (!result) CHECK(!result.error().message.empty());
}

}  // namespace

void FuzzRunInfo(std::string_view bytes) {
  static const TempDir folder;
  const auto path = folder.Write("run.json", Sealed(bytes));
  CheckMessage(CheckRunInfo(path));
  const auto kernels = ReadKernels(path);
  CheckMessage(kernels);
  if (kernels) CheckMessage(ChoicesOf(*kernels));
  for (const OtherMachine other :
       {OtherMachine::kRefuse, OtherMachine::kGoOn}) {
    RunInfo info;
    info.config = {{"epochs", int64_t{10}}, {"learning_rate", 0.001}};
    CheckMessage(AdoptEarlierRun(path, other, info));
  }
}

void FuzzState(std::string_view bytes) {
  static const TempDir folder;
  const auto position = ReadState(folder.Write("state-1.json", Sealed(bytes)));
  CheckMessage(position);
  if (!position) return;
  constexpr int64_t kCells = 6, kTrainExamples = 1000;
  if (!CheckPosition(*position, kCells, kTrainExamples)) return;
  CHECK(position->cells_done >= 0 && position->cells_done <= kCells);
  // Its files are not there, which is no reason to end.
  CheckMessage(CheckTensors(folder.path(), *position));
}

}  // namespace batchsweep

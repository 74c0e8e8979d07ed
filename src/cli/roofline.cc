#include "measure/roofline.h"

#include <format>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "record/summary_table.h"

namespace batchsweep {

Result<int> RooflineCommand(const RunOptions& options) {
  const std::vector<int>& threads = options.sweep.threads;
  // Weights of which Adam's arrays take 64 KiB, 1 MiB, ...: each cache's share.
  constexpr size_t kWeights[] = {4'096, 65'536, 1'048'576, 4'194'304};
  ASSIGN_OR_RETURN(const Engine engine, StartEngine(threads));
  PrintOutput("{}, {} kernels\n\n", engine.cpu.model_name,
              IsaName(engine.kernels->isa));
  std::vector<std::vector<std::string>> matmul = {{"threads"}};
  std::vector<std::vector<std::string>> update = {{"threads"}};
  for (const int64_t size : kMatmulSizes) {
    matmul[0].push_back(std::format("{0}x{0}x{0}", size));
  }
  for (const size_t weights : kWeights) {
    update[0].push_back(
        FormatBytes(static_cast<int64_t>(weights * 4 * sizeof(float))));
  }
  for (const int count : threads) {
    ThreadPool pool(count);
    const ComputeContext context{.kernels = engine.kernels, .pool = &pool};
    matmul.push_back({std::to_string(count)});
    for (const int64_t size : kMatmulSizes) {
      matmul.back().push_back(std::format(
          "{:.1f}", MeasureMatmulFlopsPerSecond(size, context) / 1e9));
    }
    update.push_back({std::to_string(count)});
    for (const size_t weights : kWeights) {
      update.back().push_back(std::format(
          "{:.1f}", MeasureUpdateBytesPerSecond(weights, context) / 1e9));
    }
  }
  PrintOutput("Matrix products, GF/s by size:\n\n{}\n", AlignedTable(matmul));
  PrintOutput(
      "Updates, GB/s by the memory of weights, gradients and Adam's two "
      "arrays:\n\n{}",
      AlignedTable(update));
  return kExitValid;
}

}  // namespace batchsweep

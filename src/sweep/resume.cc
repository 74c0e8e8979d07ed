#include "sweep/resume.h"

#include <filesystem>
#include <format>
#include <utility>
#include <vector>

#include "record/csv_writer.h"
#include "record/recorder.h"
#include "record/summary_record.h"
#include "record/written_file.h"
#include "sweep/checkpoint.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

Result<SweepPosition> ReadWhole(const fs::path& state,
                                const SweepConfig& config,
                                int64_t train_examples) {
  ASSIGN_OR_RETURN(SweepPosition position, ReadState(state));
  const auto cells = std::ssize(SweepCells(config));
  if (const Status found = CheckPosition(position, cells, train_examples);
      !found) {
    return Fail("{}: {}", state.string(), found.error().message);
  }
  RETURN_IF_ERROR(CheckTensors(state.parent_path(), position));
  RETURN_IF_ERROR(CheckTables(config.out, position.recorded));
  for (const WrittenFile& file : position.weights) {
    RETURN_IF_ERROR(CheckWrittenFile(config.out / file.name, file.contents));
  }
  return position;
}

}  // namespace

Result<ResumePoint> FindResumePoint(const SweepConfig& config,
                                    int64_t train_examples) {
  const fs::path folder = config.out / "checkpoint";
  Error newest = {folder.string() +
                  ": expected a checkpoint in it, found none"};
  const std::vector<fs::path> states = ListStates(folder);
  for (size_t i = 0; i < states.size(); ++i) {
    auto position = ReadWhole(states[i], config, train_examples);
    if (position) {
      ResumePoint point{.position = *std::move(position), .warning = {}};
      if (i > 0) {
        point.warning = {
            "damaged_checkpoint",
            std::format("the newest checkpoint is damaged ({}): goes on from "
                        "the one before",
                        newest.message)};
      }
      return point;
    }
    if (i == 0) newest = std::move(position.error());
  }
  return Fail("cannot resume: {}; start anew with another --out",
              newest.message);
}

SweepPosition Extended(SweepPosition position) {
  position.cells_done = 0;
  position.recorded.summary = ChecksumOf(CsvHeader<SummaryRecord>());
  // They are written anew, at the end of each cell.
  position.weights.clear();
  position.diverged_batches.clear();
  return position;
}

}  // namespace batchsweep

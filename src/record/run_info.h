// run.json: what a reader needs to trust a run or to repeat it.
#ifndef BATCHSWEEP_RECORD_RUN_INFO_H_
#define BATCHSWEEP_RECORD_RUN_INFO_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "measure/warning.h"
#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/error.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "record/advice.h"
#include "record/build_info.h"
#include "record/kernel_record.h"
#include "record/process_spread.h"
#include "record/setting.h"
#include "util/fields.h"

namespace batchsweep {

// Of run.json and of the tables beside it. Readers refuse another version.
inline constexpr int kSchemaVersion = 6;

struct RunInfo {
  // "running", "complete", "interrupted" (resumable), "diverged" (a loss was
  // not finite), "failed" (by an error).
  std::string status = "running";
  std::optional<std::string> error;  // that it failed by
  std::string command;
  std::string started_utc;
  std::string finished_utc;

  BuildInfo build;
  std::string xnnpack_version;

  // What decides the losses; a run can be resumed only with the same.
  struct Model {
    std::string name;        // of the zoo, or the file's without .json
    std::string keras_name;  // that stands in its JSON
    std::string input_shape;
    std::vector<std::string> layers;
    int64_t parameters = 0;
    std::string crc32;                                 // of its JSON
    std::optional<std::string> initial_weights_crc32;  // of the file, if any

    static constexpr auto Fields() {
      using M = Model;
      return FieldList<&M::name, &M::keras_name, &M::input_shape, &M::layers,
                       &M::parameters, &M::crc32, &M::initial_weights_crc32>();
    }
  } model;
  struct Data {
    std::string name;
    std::string example_shape;
    int64_t class_count = 0;
    int64_t train_examples = 0;
    int64_t validation_examples = 0;
    std::string validation_from;  // "train" or "test"
    int64_t test_examples = 0;
    std::string crc32;           // of the examples' bytes, see DataChecksum()
    int64_t resident_bytes = 0;  // copied into RAM
    int64_t mapped_bytes = 0;    // that stay in their files

    static constexpr auto Fields() {
      using D = Data;
      return FieldList<&D::name, &D::example_shape, &D::class_count,
                       &D::train_examples, &D::validation_examples,
                       &D::validation_from, &D::test_examples, &D::crc32,
                       &D::resident_bytes, &D::mapped_bytes>();
    }
  } data;
  std::vector<Setting> config;

  Cpu cpu;
  // "live": XNNPACK's packed weights are rewritten in place after each step;
  // "re-created": that failed here, and operators are made anew, at a cost.
  std::string packed_weights = "live";
  std::string kernels_isa;  // of our kernels; XNNPACK chooses by itself
  SystemInfo system;
  std::optional<int64_t> ram_bytes;
  Swap swap;  // when the run began
  std::optional<int64_t> page_bytes;
  ClockProperties clock;
  // See SensorSources; empty texts where there is none.
  std::string frequency_source;
  std::string energy_grade = "none";
  std::string energy_source;
  // What measuring costs on this board.
  struct Overhead {
    double step_recording_ns = 0.0;   // keeping a step's times and writing its
                                      // row, of which only five readings of the
                                      // clock are within the step
    double sensors_reading_ns = 0.0;  // by the sampler's thread, each time
    std::optional<double> counters_reading_ns;  // absent without counters

    static constexpr auto Fields() {
      using O = Overhead;
      return FieldList<&O::step_recording_ns, &O::sensors_reading_ns,
                       &O::counters_reading_ns>();
    }
  } overhead;
  // Of each product, for each batch size and number of threads.
  std::vector<KernelRecord> kernels;
  std::vector<ProcessSpread> processes;  // none if each cell ran once
  std::optional<Advice> advice;          // absent before a cell is done
  std::vector<Warning> warnings;

  // False if it is there already.
  bool AddWarning(const Warning& warning);
};

// As sealed text, see record/sealed_json.h.
std::string RunInfoText(const RunInfo& info);

Status WriteRunInfo(const std::filesystem::path& path, const RunInfo& info);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_RUN_INFO_H_

// Fuzz targets: each gives one of our readers bytes that anyone may have
// written. Whatever they are, the reader refuses them by an error or takes
// them; a target ends the program (CHECK) if what was taken contradicts what
// the reader's header promises.
//
// A new target is a Fuzz function below with its .cc file, its entry in
// fuzz_targets.cc, and a folder of seeds.
#ifndef BATCHSWEEP_TESTS_FUZZ_FUZZ_TARGETS_H_
#define BATCHSWEEP_TESTS_FUZZ_FUZZ_TARGETS_H_

#include <span>
#include <string_view>

namespace batchsweep {

// Where there are several files or tables to try, the first byte chooses.
void FuzzBoard(std::string_view bytes);  // one file of a board's /proc, /sys
void FuzzCifar(std::string_view bytes);  // one file of a folder
void FuzzCsv(std::string_view bytes);    // rows of one of our tables
void FuzzFlags(std::string_view bytes);  // arguments, one a line
void FuzzGzip(std::string_view bytes);   // a data file
void FuzzIdx(std::string_view bytes);    // one file of a folder
void FuzzKerasJson(std::string_view bytes);  // up to the plan of small models
void FuzzMailbox(std::string_view bytes);    // what the firmware answers
void FuzzMemory(std::string_view bytes);     // /proc/meminfo, limits of cgroups
void FuzzNpy(std::string_view bytes);        // one file of a folder
void FuzzNpyHeader(std::string_view bytes);
void FuzzRunInfo(std::string_view bytes);  // a run.json, sealed or not
void FuzzSafetensors(std::string_view bytes);
void FuzzState(std::string_view bytes);  // of a checkpoint, sealed or not

struct FuzzTarget {
  const char* name;  // that of its folder of seeds
  void (*run)(std::string_view bytes);
};

// By name.
std::span<const FuzzTarget> FuzzTargets();

// Null where there is none of that name.
const FuzzTarget* FindFuzzTarget(std::string_view name);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_FUZZ_FUZZ_TARGETS_H_

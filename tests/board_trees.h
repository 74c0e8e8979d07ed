// Made-up trees of /proc, /sys and /dev files, one a board. Layouts are the
// kernel's as documented; names, rails, clocks and chips are those of recorded
// boards where board_trees.cc names a recording beside them. Recordings named
// NAME.txt are results of sbc-bench (ThomasKaiser/sbc-bench, results/).
#ifndef BATCHSWEEP_TESTS_BOARD_TREES_H_
#define BATCHSWEEP_TESTS_BOARD_TREES_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/temp_dir.h"

namespace batchsweep {

class Tree {
 public:
  // Replaces a file that is there.
  Tree& Add(const std::string& file, std::string_view text);
  // In the place of a file, a folder: opening it succeeds and reading fails, as
  // of a sensor whose block is off (EAGAIN) or that its bus does not answer
  // for.
  Tree& AddUnreadable(const std::string& file);
  const std::filesystem::path& root() const { return folder_.path(); }

 private:
  TempDir folder_;
};

void MakePi3(Tree& tree);
void MakePi4(Tree& tree);
void MakePi5(Tree& tree);
void MakeJetsonNano(Tree& tree);       // JetPack 4
void MakeJetsonXavierNx(Tree& tree);   // JetPack 5
void MakeJetsonAgxXavier(Tree& tree);  // JetPack 5
void MakeJetsonOrinNano(Tree& tree);   // JetPack 6
void MakeJetsonAgxOrin(Tree& tree);    // JetPack 5
void MakeLaptop(Tree& tree);           // x86

// The first three channels of an INA3221 under JetPack 5 and 6.
struct Ina3221Channel {
  std::string label;
  int millivolts, milliamperes;
};
// The chip at `device`, "1-0040", as its hwmon folder `hwmon`: besides the
// three channels it has in4 to in6, the voltages at the shunts; in7, their sum;
// and curr4, a sum of currents. None of these is a rail.
void AddIna3221(Tree& tree, std::string_view device, std::string_view hwmon,
                const std::vector<Ina3221Channel>& channels);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_BOARD_TREES_H_

// Made-up trees of /proc, /sys and /dev files, one a board: written from
// documented layouts, not recorded on the boards.
#ifndef BATCHSWEEP_TESTS_BOARD_TREES_H_
#define BATCHSWEEP_TESTS_BOARD_TREES_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/temp_dir.h"

namespace batchsweep {

class Tree {
 public:
  // Replaces a file that is there.
  Tree& Add(const std::string& file, std::string_view text);
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
void MakeJetsonAgxOrin(Tree& tree);    // JetPack 6
void MakeLaptop(Tree& tree);           // x86

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_BOARD_TREES_H_

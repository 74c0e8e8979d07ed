// Where the tests find what they do not hold themselves.
#ifndef BATCHSWEEP_TESTS_PATHS_H_
#define BATCHSWEEP_TESTS_PATHS_H_

#include <filesystem>
#include <string>

namespace batchsweep {

// tests/data of the sources; in a bundle, which has it elsewhere, the
// environment's BATCHSWEEP_TEST_DATA.
std::filesystem::path TestData();

// A shell's words that start the program under test: behind the emulator where
// it needs one.
std::string TestProgram();

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_PATHS_H_

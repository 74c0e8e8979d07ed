#include "tests/paths.h"

#include <cstdlib>

namespace batchsweep {

std::filesystem::path TestData() {
  const char* folder = std::getenv("BATCHSWEEP_TEST_DATA");
  return folder != nullptr ? folder : BATCHSWEEP_TEST_DATA;
}

std::string TestProgram() { return BATCHSWEEP_TEST_PROGRAM; }

}  // namespace batchsweep

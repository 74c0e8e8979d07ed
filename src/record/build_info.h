// How this program was built; CMake passes it in.
#ifndef BATCHSWEEP_RECORD_BUILD_INFO_H_
#define BATCHSWEEP_RECORD_BUILD_INFO_H_

#include <string>

namespace batchsweep {

struct BuildInfo {
  std::string version;
  std::string git_revision;  // with "-dirty" for uncommitted changes
  std::string compiler;
  std::string flags;
  std::string architecture;
  bool optimized = true;  // false for debug and sanitizer builds, whose times
                          // mean nothing
};

BuildInfo GetBuildInfo();

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_BUILD_INFO_H_

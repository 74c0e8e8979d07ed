// How this program was built; CMake passes it in.
#ifndef BATCHSWEEP_RECORD_BUILD_INFO_H_
#define BATCHSWEEP_RECORD_BUILD_INFO_H_

#include <string>

#include "util/fields.h"

namespace batchsweep {

struct BuildInfo {
  std::string version;
  std::string git_revision;  // with "-dirty" for uncommitted changes
  std::string compiler;
  std::string flags;
  std::string architecture;
  bool optimized = true;  // false for debug and sanitizer builds, whose times
                          // mean nothing; run.json has a warning then

  static constexpr auto Fields() {
    using B = BuildInfo;
    return FieldList<&B::version, &B::git_revision, &B::compiler, &B::flags,
                     &B::architecture, kLeftOut<&B::optimized>>();
  }
};

BuildInfo GetBuildInfo();

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_BUILD_INFO_H_

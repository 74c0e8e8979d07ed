#include "record/build_info.h"

#include <string_view>

#include "git_revision.h"

namespace batchsweep {

BuildInfo GetBuildInfo() {
  constexpr std::string_view build_type = BATCHSWEEP_BUILD_TYPE;
#ifdef BATCHSWEEP_SANITIZED
  constexpr bool sanitized = true;
#else
  constexpr bool sanitized = false;
#endif
  return {.version = BATCHSWEEP_VERSION,
          .git_revision = BATCHSWEEP_GIT_REVISION,
          .compiler = __VERSION__,
          .flags = BATCHSWEEP_FLAGS,
          .architecture = BATCHSWEEP_ARCHITECTURE,
          .optimized = build_type != "Debug" && !sanitized};
}

}  // namespace batchsweep

// A system that does not tell its name.
#include "platform/system.h"

#include <algorithm>
#include <thread>

namespace batchsweep {

SystemInfo DescribeSystem(const std::filesystem::path&) {
  return {.host_name = "unknown", .kernel = "unknown", .c_library = "unknown"};
}

int UsableCores() {
  // 0 where the C++ library cannot tell.
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace batchsweep

#include "xnn/sizes.h"

namespace batchsweep::xnn {

Status CheckBytes(const char* what, std::initializer_list<int64_t> factors,
                  int64_t most_bytes) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (factor > 0 && product > most_bytes / factor) {
      return Fail(
          "{}: its sizes multiply to more than the {} bytes that this build "
          "can address; choose a smaller batch or model",
          what, most_bytes);
    }
    product *= factor;
  }
  return {};
}

}  // namespace batchsweep::xnn

// Sizes before XNNPACK sees them. It multiplies them in size_t, of 32 bits on a
// 32-bit board, and takes windows as uint32_t, without a look at overflow; so
// they are multiplied here, in 64 bits, first.
#ifndef BATCHSWEEP_XNN_SIZES_H_
#define BATCHSWEEP_XNN_SIZES_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "platform/error.h"

namespace batchsweep::xnn {

// The largest block of memory that this build can address. Tests give the
// checks that of other builds.
inline constexpr int64_t kMostBytes = PTRDIFF_MAX;

// Columns, channels or places that packing adds at most: several times the
// widest tile of XNNPACK's kernels.
inline constexpr int64_t kPackedPadding = 128;

// Refuses an operation, named by `what`, whose tensor or table would have more
// bytes than `most_bytes`: the product of the factors, each at least 0.
Status CheckBytes(const char* what, std::initializer_list<int64_t> factors,
                  int64_t most_bytes = kMostBytes);

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_SIZES_H_

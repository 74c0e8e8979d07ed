// Inflates gzip files. The only user of zlib.h is gzip.cc.
#ifndef BATCHSWEEP_DATA_GZIP_H_
#define BATCHSWEEP_DATA_GZIP_H_

#include <filesystem>
#include <string>

#include "platform/error.h"

namespace batchsweep {

// The contents of `path`: inflated if the file begins with gzip's magic bytes
// 1f 8b, as they are otherwise. A file that ends early, whose checksum is
// wrong, or with trailing garbage is refused, naming the file and the reason.
Result<std::string> ReadMaybeGzip(const std::filesystem::path& path);

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_GZIP_H_

#include "record/written_file.h"

namespace batchsweep {

Status CheckWrittenFile(const std::filesystem::path& path,
                        const Checksum& contents) {
  ASSIGN_OR_RETURN(const Checksum found, ChecksumOfFile(path));
  if (found == contents) return {};
  return Fail("{}: is not as it was written, some bytes of it changed",
              path.string());
}

}  // namespace batchsweep

#include "record/written_file.h"

#include "platform/file.h"

namespace batchsweep {

Status CheckWrittenFile(const std::filesystem::path& path,
                        const Checksum& contents) {
  ASSIGN_OR_RETURN(const int64_t size_bytes, FileBytes(path));
  Checksum found;
  RETURN_IF_ERROR(VisitFile(path, size_bytes,
                            [&](std::string_view bytes) { found.Add(bytes); }));
  if (found == contents) return {};
  return Fail("{}: is not as it was written, some bytes of it changed",
              path.string());
}

}  // namespace batchsweep

// Files that a run wrote and is done with.
#ifndef BATCHSWEEP_RECORD_WRITTEN_FILE_H_
#define BATCHSWEEP_RECORD_WRITTEN_FILE_H_

#include <filesystem>
#include <string>

#include "platform/error.h"
#include "util/checksum.h"
#include "util/fields.h"

namespace batchsweep {

struct WrittenFile {
  std::string name;  // within the run's folder
  Checksum contents;

  static constexpr auto Fields() {
    return FieldList<&WrittenFile::name, &WrittenFile::contents>();
  }
};

// Reads the whole file: an error says that it is missing or is not as it was
// written.
Status CheckWrittenFile(const std::filesystem::path& path,
                        const Checksum& contents);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_WRITTEN_FILE_H_

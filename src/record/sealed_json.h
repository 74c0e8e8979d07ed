// JSON files that prove that they are as they were written: an object whose
// first line is the checksum of all that follows it,
//   {
//     "crc32": "0a1b2c3d",
// so that one changed, lost or added byte is found when it is read back.
#ifndef BATCHSWEEP_RECORD_SEALED_JSON_H_
#define BATCHSWEEP_RECORD_SEALED_JSON_H_

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "platform/error.h"
#include "record/json.h"

namespace batchsweep {

// The text of a file, two spaces a level, with a line end. Bytes of names that
// are not UTF-8 are replaced. REQUIRES: an object that is not empty.
std::string SealedText(const Json& object);

// The object of a text that SealedText() made, without the checksum; absent if
// it is not as it was made.
std::optional<Json> ReadSealed(std::string_view text);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SEALED_JSON_H_

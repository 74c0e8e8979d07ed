// CIFAR-10 and CIFAR-100, in their binary versions.
//
// A file is records one behind the other, each of
//   CIFAR-10    u8  label, 0 .. 9
//   CIFAR-100   u8  coarse label, 0 .. 19, not used
//               u8  fine label, 0 .. 99
//   both        1024 bytes of red, 1024 of green, 1024 of blue, row-major 32x32
#ifndef BATCHSWEEP_DATA_CIFAR_H_
#define BATCHSWEEP_DATA_CIFAR_H_

#include <filesystem>
#include <string_view>

#include "data/dataset.h"
#include "platform/error.h"

namespace batchsweep {

// Whether a file of that name tells that its folder is of this format.
bool IsCifarFile(std::string_view name);

// Reads data_batch_1.bin .. data_batch_5.bin and test_batch.bin (CIFAR-10), or,
// in a folder without any of them, train.bin and test.bin (CIFAR-100), each
// plain or with .gz behind it. Images become (32, 32, 3); class_count is 10 or
// 100; the source's name is the folder's. A file may have any number of
// records. Refused, naming file, found, expected: a missing file, an empty one,
// half a record, a label out of range, more than fits into memory.
//
// Only the records that are used are looked at. A compressed file is inflated
// twice, for its number of records and for these, and never lies in memory.
Result<DataSource> LoadCifarFolder(const std::filesystem::path& folder,
                                   const Selection& selection = {});

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_CIFAR_H_

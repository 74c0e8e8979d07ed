// IDX, the format of MNIST and its family: Fashion-MNIST, KMNIST, EMNIST, ...
//
// Byte layout, integers big-endian:
//   0     u16  zero
//   2     u8   element type; 0x08 = unsigned byte, the only one accepted
//   3     u8   number of dimensions: 1 for labels, 3 for images (N, H, W)
//   4     u32  one size for each dimension
//   then  the elements, row-major
#ifndef BATCHSWEEP_DATA_IDX_H_
#define BATCHSWEEP_DATA_IDX_H_

#include <filesystem>
#include <string_view>

#include "data/dataset.h"
#include "platform/error.h"

namespace batchsweep {

// Whether a file of that name tells that its folder is of this format.
bool IsIdxFile(std::string_view name);

// Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte from `folder`, each plain
// or with .gz behind it, with '-' or '.' before "idx". Plain ones are mapped;
// of the others no more is inflated than the examples that are used and what
// stands before them, and at most one byte beyond what the header promises.
// class_count is one more than the highest label that is used; the source's
// name is the folder's. Refused, naming file, found, expected: a missing folder
// or file, a wrong magic, a size that does not match the header (of a
// compressed file only if it is inflated to its end), no examples, image and
// label counts or image shapes that differ.
Result<DataSource> LoadIdxFolder(const std::filesystem::path& folder,
                                 const Selection& selection = {});

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_IDX_H_

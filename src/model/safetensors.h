// safetensors: named float tensors in one file.
//
// Byte layout, little-endian:
//   0      u64   n, the header's length
//   8      n     JSON: {"name": {"dtype": "F32", "shape": [..],
//                                "data_offsets": [begin, end]}, ..}
//   8 + n  data; offsets count from here, without holes or overlaps
#ifndef BATCHSWEEP_MODEL_SAFETENSORS_H_
#define BATCHSWEEP_MODEL_SAFETENSORS_H_

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "platform/error.h"
#include "util/checksum.h"
#include "util/shape.h"

namespace batchsweep {

struct NamedTensor {
  std::string name;
  Shape shape;
  std::vector<float> values;  // row-major, shape.elements() of them
};

// Floats of somebody else by a name: what a file gets or is read into without a
// copy of its own.
struct TensorView {
  std::string name;
  Shape shape;
  std::span<float> values;  // row-major, shape.elements() of them
};

// Every tensor of `path`, in the order of their data. Refused, naming the file
// and the tensor: a truncated file, a header that is not JSON of this form, a
// dtype other than F32, offsets that do not match the shape, overlap, leave
// holes or reach past the end. The entry "__metadata__" is passed over.
Result<std::vector<NamedTensor>> ReadSafetensors(
    const std::filesystem::path& path);

// Fills `tensors` from the file, in pieces, which must have each of them in its
// shape. Others in it are passed over. An error leaves them half filled.
Status ReadSafetensorsInto(const std::filesystem::path& path,
                           std::span<const TensorView> tensors);

// Writes atomically, in pieces, and returns the checksum of the file. The
// header is padded with spaces so that data begins at a multiple of 8 bytes.
Result<Checksum> WriteSafetensors(const std::filesystem::path& path,
                                  std::span<const TensorView> tensors);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_SAFETENSORS_H_

// A folder of NumPy arrays: x_train.npy, y_train.npy, x_test.npy, y_test.npy.
//
//   x  (N, C), (N, H, W) or (N, H, W, C): uint8 images, whose values become
//      value / 255 when a batch is loaded, or float32 or float64, taken as
//      they are. Examples of (H, W) become (H, W, 1).
//   y  integers, (N) or (N, 1): labels, 0 .. 255. Floats, (N) or (N, ...):
//      targets, of shape 1 or as they are.
//
// Without y files the inputs themselves are what is learnt.
#ifndef BATCHSWEEP_DATA_NPY_H_
#define BATCHSWEEP_DATA_NPY_H_

#include <filesystem>
#include <string_view>

#include "data/dataset.h"
#include "platform/error.h"

namespace batchsweep {

// Whether a file of that name tells that its folder is of this format.
bool IsNpyFile(std::string_view name);

// class_count is one more than the highest label that is used; the source's
// name is the folder's. All headers are looked at before the first value is
// read, and no value but those that are used. Refused, naming file, found,
// expected: what NpyFile refuses (data/npy_file.h), a missing file, other
// shapes than above, counts of x and y that differ, types or shapes of train
// and test that differ.
Result<DataSource> LoadNpyFolder(const std::filesystem::path& folder,
                                 const Selection& selection = {});

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_NPY_H_

#include "data/npy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "data/npy_file.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxExampleDims = 3;

// The arrays of one of the two sets, their values not yet read.
struct NpySet {
  NpyFile x;
  std::optional<NpyFile> y;
};

// The shape of one example, which is what stands behind N; (1) if nothing does.
Shape RowShape(const NpyFile& file) {
  Shape shape{{file.dims().begin() + 1, file.dims().end()}};
  if (shape.dims.empty()) shape.dims.push_back(1);
  return shape;
}

const char* KindName(const NpyFile& file) {
  return file.is_float() ? "floats" : "integers";
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Status CheckInputs(const NpyFile& x) {
  const size_t dim_count = x.dims().size();
  if (dim_count < 2 || dim_count > 1 + kMaxExampleDims) {
    return Fail(
        "{}: expected the shape (N, C), (N, H, W) or (N, H, W, C), found {}; "
        "use numpy.reshape",
        x.path(), Shape{x.dims()}.ToString());
  }
  if (!x.is_float() && x.type() != NpyFile::Type::kUint8) {
    return Fail(
        "{}: expected uint8, float32 or float64, found {}; save "
        "array.astype('uint8') for pixels, array.astype('float32') for others",
        x.path(), x.type_name());
  }
  return {};
}

Status CheckLearnt(const NpyFile& y, const NpyFile& x) {
  const size_t dim_count = y.dims().size();
  if (dim_count < 1 || dim_count > 1 + kMaxExampleDims) {
    return Fail(
        "{}: expected N values or rows of 1 to 3 dimensions, found the shape "
        "{}; use numpy.reshape",
        y.path(), Shape{y.dims()}.ToString());
  }
  if (!y.is_float() && RowShape(y).dims != std::vector<int64_t>{1}) {
    return Fail(
        "{}: expected integer labels of the shape (N) or (N, 1), found {}; "
        "save array.argmax(axis=1) of one-hot labels, array.astype('float32') "
        "of targets",
        y.path(), Shape{y.dims()}.ToString());
  }
  if (y.dims()[0] != x.dims()[0]) {
    return Fail("{}: expected {} rows, as many as {} has, found {}", y.path(),
                x.dims()[0], x.path(), y.dims()[0]);
  }
  return {};
}

Status CheckAlike(const NpyFile& test, const NpyFile& train) {
  const Shape expected = RowShape(train);
  const Shape found = RowShape(test);
  if (found == expected && test.is_float() == train.is_float()) return {};
  return Fail("{}: expected rows of {} {}, as in {}, found {} {}", test.path(),
              expected.ToString(), KindName(train), train.path(),
              found.ToString(), KindName(test));
}

Status CheckFilesAreThere(const fs::path& folder) {
  for (const std::string_view name : {"x_train.npy", "x_test.npy"}) {
    if (!Exists(folder / name)) {
      return Fail(
          "{}: expected {} in it, found none; the arrays are x_train.npy, "
          "y_train.npy, x_test.npy and y_test.npy",
          folder.string(), name);
    }
  }
  const bool train = Exists(folder / "y_train.npy");
  if (train != Exists(folder / "y_test.npy")) {
    return Fail(
        "{}: expected {} in it beside {}, found none; without either the "
        "inputs themselves are learnt",
        folder.string(), train ? "y_test.npy" : "y_train.npy",
        train ? "y_train.npy" : "y_test.npy");
  }
  return {};
}

// `name` is "train" or "test".
Result<NpySet> OpenSet(const fs::path& folder, std::string_view name) {
  ASSIGN_OR_RETURN(NpyFile x,
                   NpyFile::Open(folder / std::format("x_{}.npy", name)));
  RETURN_IF_ERROR(CheckInputs(x));
  const fs::path y_path = folder / std::format("y_{}.npy", name);
  if (!Exists(y_path)) return NpySet{std::move(x), std::nullopt};
  ASSIGN_OR_RETURN(NpyFile y, NpyFile::Open(y_path));
  RETURN_IF_ERROR(CheckLearnt(y, x));
  return NpySet{std::move(x), std::move(y)};
}

Result<Dataset> ReadRows(const RowRange& rows, NpySet& set) {
  Dataset dataset{.example_shape = RowShape(set.x)};
  if (dataset.example_shape.dims.size() == 2) {
    dataset.example_shape.dims.push_back(1);
  }
  if (set.x.is_float()) {
    ASSIGN_OR_RETURN(dataset.floats, set.x.ReadFloats(rows));
  } else {
    ASSIGN_OR_RETURN(dataset.images, set.x.ReadBytes(rows));
  }
  if (!set.y) return dataset;
  if (set.y->is_float()) {
    dataset.target_shape = RowShape(*set.y);
    ASSIGN_OR_RETURN(dataset.targets, set.y->ReadFloats(rows));
  } else {
    ASSIGN_OR_RETURN(dataset.labels, set.y->ReadBytes(rows));
  }
  return dataset;
}

}  // namespace

bool IsNpyFile(std::string_view name) { return name.ends_with(".npy"); }

Result<DataSource> LoadNpyFolder(const fs::path& folder,
                                 const Selection& selection) {
  RETURN_IF_ERROR(CheckFilesAreThere(folder));
  ASSIGN_OR_RETURN(NpySet train, OpenSet(folder, "train"));
  ASSIGN_OR_RETURN(NpySet test, OpenSet(folder, "test"));
  RETURN_IF_ERROR(CheckAlike(test.x, train.x));
  if (train.y) RETURN_IF_ERROR(CheckAlike(*test.y, *train.y));
  DataSource source{.name = folder.string()};
  const int64_t examples = train.x.dims()[0];
  ASSIGN_OR_RETURN(source.train, ReadRows(selection.Train(examples), train));
  ASSIGN_OR_RETURN(source.held_back,
                   ReadRows(selection.HeldBack(examples), train));
  ASSIGN_OR_RETURN(source.test, ReadRows({0, test.x.dims()[0]}, test));
  CountClasses(source);
  return source;
}

}  // namespace batchsweep

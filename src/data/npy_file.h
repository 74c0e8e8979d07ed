// NpyFile: one array in NumPy's .npy format.
//
// Byte layout, integers little-endian:
//   0     6 bytes  93 "NUMPY"
//   6     u8, u8   version: 1.0, 2.0 or 3.0
//   8     u16      bytes of the header; u32 from version 2.0 on
//   then  the header, a Python dict and spaces: {'descr': '<f4',
//         'fortran_order': False, 'shape': (60000, 28, 28), }
//   then  the values, row-major
#ifndef BATCHSWEEP_DATA_NPY_FILE_H_
#define BATCHSWEEP_DATA_NPY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/selection.h"
#include "data/values.h"
#include "platform/error.h"

namespace batchsweep {

// Invariant: the file had as many bytes as its header says, and at least one
// value. Values that can be used as they lie in the file are mapped, and take
// no memory; others go straight into the vector that is returned, in pieces of
// 64 KiB: a board need not hold a large array twice.
class NpyFile {
 public:
  enum class Type {
    kUint8,
    kUint16,
    kUint32,
    kUint64,
    kInt8,
    kInt16,
    kInt32,
    kInt64,
    kFloat32,
    kFloat64,
  };

  // Reads the header. Refused: another format or version, a damaged header,
  // other types, big-endian values, Fortran's order, an empty array, a size
  // that does not match the header.
  static Result<NpyFile> Open(const std::filesystem::path& path);

  std::string path() const { return path_.string(); }
  const std::vector<int64_t>& dims() const { return dims_; }
  Type type() const { return type_; }
  bool is_float() const {
    return type_ == Type::kFloat32 || type_ == Type::kFloat64;
  }
  std::string_view type_name() const;  // "uint8", as NumPy calls it

  // The values of those rows, which are what the first dimension counts: mapped
  // if they are float32 at a multiple of 4 bytes, as numpy.save writes them.
  // Refused, naming the position: one that is not finite or beyond a float's
  // range. Only these values are looked at. REQUIRES: is_float().
  Result<Values<float>> ReadFloats(const RowRange& rows);
  // The values of those rows, mapped if they are uint8. Refused, naming the
  // position: one that is not in 0 .. 255. REQUIRES: !is_float().
  Result<Values<uint8_t>> ReadBytes(const RowRange& rows);

 private:
  NpyFile(std::filesystem::path path, std::ifstream stream)
      : path_(std::move(path)), stream_(std::move(stream)) {}

  bool Read(std::string& bytes);
  Result<std::string> ReadHeader(uint64_t file_bytes);
  Status ParseHeader(std::string_view header);
  Status CheckSize(uint64_t data_bytes) const;
  int64_t ValuesOfRow() const;
  template <class Value>
  Result<Values<Value>> MapRows(const RowRange& rows) const;
  template <class Stored, class Value>
  Result<Values<Value>> CopyRows(const RowRange& rows);
  template <class Stored>
  std::unexpected<Error> RefuseValue(Stored value, size_t index) const;
  // "[3, 0, 27]", as NumPy's index of the value.
  std::string Position(size_t index) const;

  std::filesystem::path path_;
  std::ifstream stream_;
  Type type_ = Type::kUint8;
  std::vector<int64_t> dims_ = {};
  int64_t data_offset_ = 0;  // of the first value in the file
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_NPY_FILE_H_

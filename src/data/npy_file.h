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

#include "platform/error.h"

namespace batchsweep {

// Invariant: the file had as many bytes as its header says, and at least one
// value. Values go straight into the vector that is returned, in pieces of
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

  // All values, once. Refused, naming the position: one that is not finite or
  // beyond a float's range. REQUIRES: is_float().
  Result<std::vector<float>> ReadFloats();
  // All values, once. Refused, naming the position: one that is not in
  // 0 .. 255. REQUIRES: !is_float().
  Result<std::vector<uint8_t>> ReadBytes();

 private:
  NpyFile(std::filesystem::path path, std::ifstream stream)
      : path_(std::move(path)), stream_(std::move(stream)) {}

  bool Read(std::string& bytes);
  Result<std::string> ReadHeader(uint64_t file_bytes);
  Status ParseHeader(std::string_view header);
  Status CheckSize(uint64_t data_bytes) const;
  Status CheckRoom(uint64_t bytes) const;
  template <class Stored, class Value>
  Status ReadAs(std::vector<Value>& values);
  template <class Stored>
  std::unexpected<Error> RefuseValue(Stored value, size_t index) const;
  // "[3, 0, 27]", as NumPy's index of the value.
  std::string Position(size_t index) const;

  std::filesystem::path path_;
  std::ifstream stream_;
  Type type_ = Type::kUint8;
  std::vector<int64_t> dims_ = {};
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_NPY_FILE_H_

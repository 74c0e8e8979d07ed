// The header of an .npy file (data/npy_file.h), a Python dict as text.
#ifndef BATCHSWEEP_DATA_NPY_HEADER_H_
#define BATCHSWEEP_DATA_NPY_HEADER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchsweep {

struct NpyHeader {
  std::string descr;  // printable ASCII: "<f4"
  bool fortran_order = false;
  std::vector<int64_t> shape;  // no size is negative; () is empty
};

// Reads a dict that has the keys 'descr', 'fortran_order' and 'shape' once
// each, in any order and spacing. Absent if `text` is anything else: a dict
// with another key, or the header of a structured array, whose descr is a list.
std::optional<NpyHeader> ParseNpyHeader(std::string_view text);

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_NPY_HEADER_H_

// Shape: the dimensions of a tensor, without the batch dimension unless said.
//
// One alphabet everywhere: N examples, H height, W width, C channels (NHWC).
#ifndef BATCHSWEEP_UTIL_SHAPE_H_
#define BATCHSWEEP_UTIL_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace batchsweep {

struct Shape {
  std::vector<int64_t> dims;

  int64_t elements() const {
    int64_t product = 1;
    for (const int64_t dim : dims) product *= dim;
    return product;
  }

  // "28x28x1"; "scalar" without dimensions.
  std::string ToString() const {
    if (dims.empty()) return "scalar";
    std::string text = std::to_string(dims[0]);
    for (size_t i = 1; i < dims.size(); ++i) {
      text += 'x';
      text += std::to_string(dims[i]);
    }
    return text;
  }

  friend bool operator==(const Shape&, const Shape&) = default;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_UTIL_SHAPE_H_

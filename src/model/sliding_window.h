// SlidingWindow: how convolutions and poolings move over an image, by Keras'
// rules.
//
// Along each axis a window of size k, dilation d and stride s reaches over
// r = (k - 1) * d + 1 values of the n in front of it and leaves
//   kValid: floor((n - r) / s) + 1, none if r > n
//   kSame:  ceil(n / s)
#ifndef BATCHSWEEP_MODEL_SLIDING_WINDOW_H_
#define BATCHSWEEP_MODEL_SLIDING_WINDOW_H_

#include <cstdint>
#include <format>
#include <string>
#include <utility>

namespace batchsweep {

// Two of everything that has a height and a width.
struct Extent2D {
  int64_t height = 1;
  int64_t width = 1;

  int64_t area() const { return height * width; }
  // "3x2"
  std::string ToString() const { return std::format("{}x{}", height, width); }
  friend bool operator==(const Extent2D&, const Extent2D&) = default;
};

// Keras' padding: kValid reads inside only; kSame gives ceil(in / stride)
// outputs and, where the zeros around are odd, puts one more behind than
// before.
enum class Padding { kValid, kSame };

// As Keras has it. Null behind the last one.
constexpr const char* NameOf(Padding padding) {
  switch (padding) {
    case Padding::kValid:
      return "valid";
    case Padding::kSame:
      return "same";
  }
  return nullptr;
}

struct SlidingWindow {
  Extent2D size;
  Extent2D strides;
  Extent2D dilation;
  Padding padding = Padding::kValid;

  // The places where the window stops on an image; 0 along an axis on which it
  // does not fit.
  Extent2D OutputsOn(const Extent2D& image) const {
    return {Outputs(image.height, size.height, strides.height, dilation.height),
            Outputs(image.width, size.width, strides.width, dilation.width)};
  }

 private:
  int64_t Outputs(int64_t in, int64_t taps, int64_t stride,
                  int64_t spread) const {
    const int64_t reach = (taps - 1) * spread + 1;
    switch (padding) {
      case Padding::kValid:
        return reach > in ? 0 : (in - reach) / stride + 1;
      case Padding::kSame:
        return (in + stride - 1) / stride;
    }
    std::unreachable();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_SLIDING_WINDOW_H_

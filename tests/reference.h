// The slow twins: every formula once more, naively and in double precision, to
// hold the fast code against. Never optimise them.
#ifndef BATCHSWEEP_TESTS_REFERENCE_H_
#define BATCHSWEEP_TESTS_REFERENCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "util/rng.h"

namespace batchsweep::reference {

// Uniform in [low, high).
std::vector<float> RandomFloats(size_t count, float low, float high, Rng& rng);

// c (m, n) = a (m, k) b (k, n)
std::vector<double> MatMul(std::span<const float> a, std::span<const float> b,
                           int64_t m, int64_t k, int64_t n);

// y (columns, rows) = x (rows, columns) transposed
std::vector<float> Transposed(std::span<const float> x, int64_t rows,
                              int64_t columns);

// Softmax of each row of logits (rows, classes).
std::vector<double> Softmax(std::span<const float> logits, int64_t rows,
                            int64_t classes);

// Whether |got - want| <= absolute + relative * |want| for every element.
bool AllNear(std::span<const float> got, std::span<const double> want,
             double absolute, double relative);

// Floats between guards: `count` of them, `misalignment` floats behind a
// multiple of 64 bytes, with guard values before and after.
class GuardedFloats {
 public:
  GuardedFloats(int64_t count, int64_t misalignment);
  GuardedFloats(std::span<const float> values, int64_t misalignment);

  float* data() { return storage_.data() + begin_; }
  std::span<float> values() { return {data(), count_}; }
  // Whether nothing was written outside of values().
  bool GuardsIntact() const;

 private:
  std::vector<float> storage_;
  size_t begin_;
  size_t count_;
};

}  // namespace batchsweep::reference

#endif  // BATCHSWEEP_TESTS_REFERENCE_H_

// Scores of a batch of predictions, and their gradients.
#ifndef BATCHSWEEP_KERNELS_LOSS_H_
#define BATCHSWEEP_KERNELS_LOSS_H_

#include <cstdint>

namespace batchsweep {

// What a batch of predictions is worth.
struct BatchScore {
  double loss_sum = 0.0;  // cross-entropy over the examples, natural log; NaN
                          // unless every logit is finite
  int64_t correct = 0;    // examples whose first highest logit is the label's
  bool finite = true;     // whether every logit is
};

struct LossKernels {
  // Softmax of each row of logits (rows, classes) into probabilities, and the
  // score against labels (rows). REQUIRES: every label < classes.
  BatchScore (*softmax_cross_entropy)(const float* logits,
                                      const uint8_t* labels, int64_t rows,
                                      int64_t classes, float* probabilities);
  // Gradient of the mean cross-entropy with respect to the logits, in place:
  // p -> (p - onehot(label)) / rows.
  void (*cross_entropy_grad)(const uint8_t* labels, int64_t rows,
                             int64_t classes, float* probabilities);
  // The same with a distribution for each row instead of a label. An example is
  // correct if its highest logit is where its highest target is.
  BatchScore (*softmax_cross_entropy_of)(const float* logits,
                                         const float* targets, int64_t rows,
                                         int64_t classes, float* probabilities);
  // p -> (p * (sum of the row's targets) - target) / rows
  void (*cross_entropy_of_grad)(const float* targets, int64_t rows,
                                int64_t classes, float* probabilities);
  // The score's loss is the sum over rows of the mean of (y - target)^2 over
  // columns; gradient (rows, columns) gets that of its mean over rows.
  BatchScore (*squared_error)(const float* y, const float* targets,
                              int64_t rows, int64_t columns, float* gradient);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_LOSS_H_

#include "xnn/weighted_operator.h"

#include <xnnpack.h>

#include "util/check.h"

namespace batchsweep::xnn {

Status WeightedOperator::ToStatus(int status, const char* step) const {
  if (status == xnn_status_success) return {};
  return Fail("XNNPACK: {} {}: status {}", step, what_, status);
}

Status WeightedOperator::Refresh(const float* kernel, const float* bias) {
  RETURN_IF_ERROR(weights_->Refresh(kernel, bias));
  return live() ? Status() : Restore();
}

void WeightedOperator::Run(ThreadPool& pool) const {
  CHECK(xnn_run_operator(op(), pool.get()) == xnn_status_success);
}

}  // namespace batchsweep::xnn

// A sweep's progress on standard error: one redrawn line on a terminal, a line
// an epoch otherwise.
#ifndef BATCHSWEEP_CLI_PROGRESS_H_
#define BATCHSWEEP_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

#include "sweep/sweep.h"

namespace batchsweep {

class ProgressPrinter : public SweepObserver {
 public:
  ProgressPrinter();

  void OnCooling(const CellProgress& progress, double now_celsius,
                 double wanted_celsius) override;
  void OnSoaking(const CellProgress& progress) override;
  void OnProgress(const CellProgress& progress) override;
  void OnEpoch(const CellProgress& progress, const EpochRecord& epoch) override;
  void OnCellDone(const SummaryRecord& summary) override;
  bool Interrupted() override;

 private:
  // On a terminal redraws a line, elsewhere prints it once for each cell.
  void ShowWait(const CellProgress& progress, const std::string& what);
  void Redraw(const std::string& line);

  const bool terminal_;
  int64_t cell_ = -1;     // the one under way
  std::string waiting_;   // for what it waits, once that was said
  int64_t start_ns_ = 0;  // of this cell, in this session
  double start_fraction_ = 0.0;
};

// One line: "[1/3] batch 8  epoch 4/10  [####......]  40%  loss 0.3126 ...".
// `left_ns` below 0: not known yet.
std::string ProgressLine(const CellProgress& progress, int64_t left_ns);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_PROGRESS_H_

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

// The line that is redrawn, with the epoch's mean loss so far and the median of
// its latest steps: "[1/3] batch 8    epoch 4   [###.....] 40%  loss 0.3126
// 29.7 us/step  5 s left". `left_ns` below 0: not known yet.
// Without the bar, or without the step time either, where the line would not
// fit 80 columns.
std::string ProgressLine(const CellProgress& progress, int64_t left_ns);

// The line of a finished epoch: its losses in training and validation, the
// accuracy of validation, and the median of its latest steps.
std::string EpochLine(const CellProgress& progress, const EpochRecord& epoch);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_PROGRESS_H_

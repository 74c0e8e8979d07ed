// The answer that a run ends with: which batch size reaches a target first,
// which cannot be told from it, and what each costs.
#ifndef BATCHSWEEP_RECORD_ADVICE_H_
#define BATCHSWEEP_RECORD_ADVICE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measure/warning.h"
#include "record/advice_cells.h"
#include "record/evaluation_record.h"
#include "record/summary_record.h"
#include "record/threads_advice.h"
#include "record/time_to_target.h"
#include "util/fields.h"

namespace batchsweep {

struct Advice {
  std::vector<std::string> sentences;
  std::optional<AdviceTarget> target;
  std::vector<ThreadsAdvice> answers;
  std::vector<DisturbedCell> left_out;
  std::optional<int64_t> largest_batch_size;  // that fits into memory, if known

  static constexpr auto Fields() {
    using A = Advice;
    return FieldList<&A::sentences, &A::target, &A::answers, &A::left_out,
                     &A::largest_batch_size>();
  }
};

// What a run recorded so far, and what it was asked for.
struct AdviceInput {
  std::span<const SummaryRecord> summaries;  // of cells that are done
  std::span<const EvaluationRecord> evaluations;
  std::span<const Warning> warnings;
  std::optional<AdviceTarget> target;  // that was given; else TargetOfAll()
  double sample_hz = 0.0;              // readings of power
  std::optional<int64_t> largest_batch_size;
};

// Absent if no cell is done.
std::optional<Advice> Advise(const AdviceInput& input);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_ADVICE_H_

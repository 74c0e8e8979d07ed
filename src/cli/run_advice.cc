#include "cli/run_advice.h"

#include "cli/text.h"
#include "record/csv_reader.h"
#include "record/evaluation_record.h"

namespace batchsweep {
namespace {

std::optional<AdviceTarget> TargetOf(const SweepConfig& config) {
  if (config.target_loss) {
    return AdviceTarget{.measure = TargetMeasure::kSubsetLoss,
                        .value = *config.target_loss,
                        .given = true};
  }
  if (config.target_accuracy) {
    return AdviceTarget{.measure = TargetMeasure::kValAccuracy,
                        .value = *config.target_accuracy,
                        .given = true};
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<Advice>> AdviceOf(const RunOptions& options,
                                       std::span<const SummaryRecord> summaries,
                                       std::span<const Warning> warnings) {
  const SweepConfig& config = options.sweep;
  ASSIGN_OR_RETURN(const auto evaluations,
                   ReadCsv<EvaluationRecord>(config.out / "evaluations.csv"));
  return Advise({.summaries = summaries,
                 .evaluations = evaluations,
                 .warnings = warnings,
                 .target = TargetOf(config),
                 .sample_hz = config.sample_hz});
}

std::string AdviceParagraph(const std::optional<Advice>& advice) {
  if (!advice) return "";
  std::string text;
  for (const std::string& sentence : advice->sentences) {
    text += (text.empty() ? "" : " ") + sentence;
  }
  return Wrapped(text, 0);
}

}  // namespace batchsweep

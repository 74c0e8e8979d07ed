// Who computes the networks of a sweep: chosen once for each batch size and
// number of threads, before its cells, and shared by all of these.
#ifndef BATCHSWEEP_SWEEP_KERNEL_CHOICES_H_
#define BATCHSWEEP_SWEEP_KERNEL_CHOICES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/kernel_choice.h"
#include "graph/kernel_chooser.h"
#include "graph/kernel_trial.h"
#include "kernels/kernels.h"
#include "platform/error.h"
#include "record/kernel_record.h"
#include "sweep/sweep_config.h"
#include "train/training_data.h"

namespace batchsweep {

// Chooses as config.kernels says. Takes some milliseconds for each product and
// batch size where times decide. `other_batches` are those of fewer examples
// that a run has beside config.batch_sizes, see OtherBatches().
Result<std::vector<KernelRecord>> ChooseKernels(
    const SweepConfig& config, const Kernels& kernels,
    std::span<const int64_t> other_batches, LoneBodies lone_bodies);

// The batches that are left over at the end of each part of the data.
std::vector<int64_t> OtherBatches(const SweepConfig& config,
                                  const TrainingData& data);

// An error names the first record that says what no program writes.
Result<std::vector<NetworkChoices>> ChoicesOf(
    std::span<const KernelRecord> records);

// Those of a batch size and number of threads, or, for another one, whose
// memory is to be planned, of the last before it. Null without any.
const NetworkChoices* ChoicesFor(std::span<const NetworkChoices> choices,
                                 int64_t batch_size, int threads);

// A chooser of these; absent without any.
std::optional<ChosenKernels> ChooserFor(std::span<const NetworkChoices> choices,
                                        int64_t batch_size, int threads);

// Of all choices of a batch size and number of threads.
MultiplyAdds WorkOf(std::span<const KernelRecord> records, int64_t batch_size,
                    int threads);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_KERNEL_CHOICES_H_

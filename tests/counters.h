// Counts of what a training step must not do.
#ifndef BATCHSWEEP_TESTS_COUNTERS_H_
#define BATCHSWEEP_TESTS_COUNTERS_H_

#include <cstdint>

namespace batchsweep {

// Whether this build counts heap calls: not under a sanitizer, which replaces
// the heap itself.
bool HeapCallsCounted();

// Calls that took memory from the heap since the program began, by any thread
// and any library: malloc and all its kin.
int64_t HeapCalls();

// Write system calls of this process since it began.
int64_t WriteCalls();

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_COUNTERS_H_

// The measured rule of how many threads an operation gets: all or one. Handing
// a small operation to threads and waiting for them costs more than it saves.
#ifndef BATCHSWEEP_GRAPH_THREADS_H_
#define BATCHSWEEP_GRAPH_THREADS_H_

#include <algorithm>
#include <cstdint>

#include "platform/clock.h"

namespace batchsweep {

enum class Threads { kOne, kAll };

// Of a layer, in each direction.
struct LayerThreads {
  Threads forward = Threads::kAll;
  Threads backward = Threads::kAll;
};

// Times run() after use(threads), on one thread and on all by turns, for 20 ms
// or two rounds, and returns the better: one unless the fastest run on all is
// at least a tenth faster, which is more than a handed-out operation can lose
// to a neighbour's noise. Either may be in use afterwards.
template <class Use, class Run>
Threads FasterThreads(const Use& use, const Run& run) {
  constexpr int kRounds = 50;
  constexpr int64_t kEnoughNs = 20'000'000;
  int64_t one_ns = INT64_MAX;
  int64_t all_ns = INT64_MAX;
  const auto time = [&](Threads threads, int64_t& best_ns) {
    use(threads);
    run();  // Wakes the threads and fills the caches.
    const int64_t start_ns = MonotonicNs();
    run();
    best_ns = std::min(best_ns, MonotonicNs() - start_ns);
  };
  const int64_t begin_ns = MonotonicNs();
  for (int round = 0;
       round < 2 || (round < kRounds && MonotonicNs() - begin_ns < kEnoughNs);
       ++round) {
    time(Threads::kOne, one_ns);
    time(Threads::kAll, all_ns);
  }
  return all_ns * 10 < one_ns * 9 ? Threads::kAll : Threads::kOne;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_THREADS_H_

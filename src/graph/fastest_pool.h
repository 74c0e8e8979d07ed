// The measured rule of how many threads an operation gets: all or one.
#ifndef BATCHSWEEP_GRAPH_FASTEST_POOL_H_
#define BATCHSWEEP_GRAPH_FASTEST_POOL_H_

#include <algorithm>
#include <array>

#include "platform/clock.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// Times `run` on each pool, by turns after set_pool(), for 20 ms or two rounds,
// and returns the better: the pool of one unless the other's fastest run is at
// least a tenth faster, which is more than a handed-out operation can lose to a
// neighbour's noise.
template <class SetPool, class Run>
ThreadPool* FasterPool(ThreadPool& one, ThreadPool& all, SetPool set_pool,
                       Run run) {
  constexpr int kRounds = 50;
  constexpr int64_t kEnoughNs = 20'000'000;
  std::array<int64_t, 2> best = {INT64_MAX, INT64_MAX};
  const int64_t begin_ns = MonotonicNs();
  for (int round = 0;
       round < 2 || (round < kRounds && MonotonicNs() - begin_ns < kEnoughNs);
       ++round) {
    for (size_t i = 0; i < 2; ++i) {
      set_pool(i == 0 ? one : all);
      run();  // wakes the threads and fills the caches
      const int64_t start_ns = MonotonicNs();
      run();
      best[i] = std::min(best[i], MonotonicNs() - start_ns);
    }
  }
  return best[1] * 10 < best[0] * 9 ? &all : &one;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_FASTEST_POOL_H_

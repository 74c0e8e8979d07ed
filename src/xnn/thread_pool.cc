#include "xnn/thread_pool.h"

#include <pthreadpool.h>

#include <latch>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "util/check.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BATCHSWEEP_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif
#endif

namespace batchsweep {
namespace {

struct Work {
  void (*body)(void*, size_t, size_t);
  void* context;
};

void Parallelize(pthreadpool* pool, int64_t size, int64_t tile,
                 const Work& work) {
  // No PTHREADPOOL_FLAG_YIELD_WORKERS: between the operators of a step the
  // other threads are needed again within microseconds, and waking one that
  // sleeps costs more than the operator.
  pthreadpool_parallelize_1d_tile_1d(
      pool, work.body, work.context, static_cast<size_t>(size),
      static_cast<size_t>(tile), PTHREADPOOL_FLAG_DISABLE_DENORMALS);
}

#ifdef BATCHSWEEP_THREAD_SANITIZER

// ThreadSanitizer does not see pthreadpool, which is not built with it, hand
// work to its threads and wait for them. The addresses of these two stand for
// that: what was done before the one is seen behind the other.
struct WatchedWork {
  Work work;
  char given = 0;
  char done = 0;
};

void DoWatched(void* context, size_t begin, size_t count) {
  auto* const watched = static_cast<WatchedWork*>(context);
  __tsan_acquire(&watched->given);
  watched->work.body(watched->work.context, begin, count);
  __tsan_release(&watched->done);
}

void ParallelizeWatched(pthreadpool* pool, int64_t size, int64_t tile,
                        const Work& work) {
  WatchedWork watched = {.work = work};
  __tsan_release(&watched.given);
  Parallelize(pool, size, tile, {.body = DoWatched, .context = &watched});
  __tsan_acquire(&watched.done);
}

#endif

}  // namespace

namespace {

// Throws std::bad_alloc unless so many threads can run at once. pthreadpool
// does not look whether its threads started, and waits for them for ever. It
// gets the stacks of these, which the C library keeps.
void TryThreads(int threads) {
  std::latch all_started(1);
  std::vector<std::jthread> tried;
  try {
    for (int i = 0; i < threads; ++i) {
      tried.emplace_back([&] { all_started.wait(); });
    }
  } catch (const std::system_error&) {
    all_started.count_down();
    throw std::bad_alloc();
  }
  all_started.count_down();
}

}  // namespace

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  CHECK(threads >= 1);
  if (threads == 1) return;
  TryThreads(threads - 1);
  pool_.reset(pthreadpool_create(static_cast<size_t>(threads)));
  // As operator new would, since this is nothing but an allocation.
  if (pool_ == nullptr) throw std::bad_alloc();
}

void ThreadPool::Destroy::operator()(pthreadpool* pool) const {
  pthreadpool_destroy(pool);
}

void ThreadPool::Run(int64_t size, int64_t tile,
                     void (*body)(void*, size_t, size_t), void* context) {
#ifdef BATCHSWEEP_THREAD_SANITIZER
  ParallelizeWatched(pool_.get(), size, tile, {body, context});
#else
  Parallelize(pool_.get(), size, tile, {body, context});
#endif
}

}  // namespace batchsweep

#include "xnn/thread_pool.h"

#include <pthreadpool.h>

#include <new>

#include "util/check.h"

namespace batchsweep {

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  CHECK(threads >= 1);
  if (threads == 1) return;
  pool_.reset(pthreadpool_create(static_cast<size_t>(threads)));
  // As operator new would, since this is nothing but an allocation.
  if (pool_ == nullptr) throw std::bad_alloc();
}

void ThreadPool::Destroy::operator()(pthreadpool* pool) const {
  pthreadpool_destroy(pool);
}

void ThreadPool::Run(int64_t size, int64_t tile,
                     void (*body)(void*, size_t, size_t), void* context) {
  // No PTHREADPOOL_FLAG_YIELD_WORKERS: between the operators of a step the
  // other threads are needed again within microseconds, and waking one that
  // sleeps costs more than the operator.
  pthreadpool_parallelize_1d_tile_1d(
      pool_.get(), body, context, static_cast<size_t>(size),
      static_cast<size_t>(tile), PTHREADPOOL_FLAG_DISABLE_DENORMALS);
}

}  // namespace batchsweep

// The threads that XNNPACK's operators and our kernels share. The header keeps
// pthreadpool.h out of the folders above.
#ifndef BATCHSWEEP_XNN_THREAD_POOL_H_
#define BATCHSWEEP_XNN_THREAD_POOL_H_

#include <cstdint>
#include <memory>

struct pthreadpool;

namespace batchsweep {

class ThreadPool {
 public:
  // REQUIRES: threads >= 1. With one thread everything runs on the caller's.
  explicit ThreadPool(int threads);

  int threads() const { return threads_; }

  // body(begin, count) over pieces of at most `tile` that cover [0, size), on
  // all threads, with denormals flushed; returns when all are done. Allocates
  // nothing.
  template <class Body>
  void ParallelFor(int64_t size, int64_t tile, const Body& body) {
    Run(
        size, tile,
        [](void* context, size_t begin, size_t count) {
          (*static_cast<const Body*>(context))(static_cast<int64_t>(begin),
                                               static_cast<int64_t>(count));
        },
        const_cast<Body*>(&body));
  }

  // For src/xnn. Null with one thread, which to XNNPACK means the caller's.
  pthreadpool* get() const { return pool_.get(); }

 private:
  struct Destroy {
    void operator()(pthreadpool* pool) const;
  };

  void Run(int64_t size, int64_t tile, void (*body)(void*, size_t, size_t),
           void* context);

  int threads_;
  std::unique_ptr<pthreadpool, Destroy> pool_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_XNN_THREAD_POOL_H_

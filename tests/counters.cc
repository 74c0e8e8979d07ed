#include "tests/counters.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "platform/linux/sysfs.h"

namespace {

std::atomic<int64_t> heap_calls = 0;

}  // namespace

#ifndef BATCHSWEEP_SANITIZED
// glibc's allocator under its own names; ours take the public ones, for every
// library of the program, XNNPACK included.
extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  heap_calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  heap_calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
  heap_calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(block, size);
}
void* memalign(size_t alignment, size_t size) {
  heap_calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"
#endif

namespace batchsweep {

bool HeapCallsCounted() {
#ifdef BATCHSWEEP_SANITIZED
  return false;
#else
  return true;
#endif
}

int64_t HeapCalls() { return heap_calls.load(); }

int64_t WriteCalls() {
  return sysfs::ReadKeyedInteger("/proc/self/io", "syscw").value_or(-1);
}

}  // namespace batchsweep

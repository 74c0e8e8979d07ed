#include "platform/interrupt.h"

#include <signal.h>

#include <atomic>
#include <initializer_list>

namespace batchsweep {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void SetInterrupted(int) { interrupted.store(true, std::memory_order_relaxed); }

}  // namespace

void CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = SetInterrupted;
  // SA_RESETHAND: the second signal takes its default course.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaction(signal, &action, nullptr);
  }
}

bool InterruptRequested() {
  return interrupted.load(std::memory_order_relaxed);
}

}  // namespace batchsweep

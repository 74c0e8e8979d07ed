#include "platform/interrupt.h"

#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <initializer_list>
#include <new>

namespace batchsweep {
namespace {

using Flag = std::atomic<bool>;
static_assert(Flag::is_always_lock_free);

// In memory that is shared with the children, once interrupts are caught.
Flag of_this_process = false;
Flag* interrupted = &of_this_process;

constexpr std::initializer_list<int> kSignals = {SIGINT, SIGTERM, SIGHUP};

void SetInterrupted(int) {
  interrupted->store(true, std::memory_order_relaxed);
}

}  // namespace

void CatchInterrupts() {
  if (interrupted == &of_this_process) {
    void* page = mmap(nullptr, sizeof(Flag), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) interrupted = new (page) Flag(false);
  }
  struct sigaction action = {};
  action.sa_handler = SetInterrupted;
  // SA_RESETHAND: the second signal takes its default course.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

bool InterruptRequested() {
  return interrupted->load(std::memory_order_relaxed);
}

void IgnoreInterrupts() {
  for (const int number : kSignals) signal(number, SIG_IGN);
}

}  // namespace batchsweep

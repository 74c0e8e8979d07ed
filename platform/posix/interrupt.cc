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

bool IsIgnored(int number) {
  struct sigaction action = {};
  return sigaction(number, nullptr, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

void SetMask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : kSignals) sigaddset(&signals, number);
  pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void CatchInterrupts() {
  if (interrupted == &of_this_process) {
    void* page = mmap(nullptr, sizeof(Flag), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) interrupted = new (page) Flag(false);
  }
  for (const int number : kSignals) {
    if (number == SIGHUP && IsIgnored(number)) continue;
    struct sigaction action = {};
    action.sa_handler = SetInterrupted;
    // SA_RESETHAND: the second signal takes its default course.
    action.sa_flags = static_cast<int>(
        number == SIGHUP ? SA_RESTART : SA_RESTART | SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
  LetInterruptsCome();
}

bool InterruptRequested() {
  return interrupted->load(std::memory_order_relaxed);
}

void IgnoreInterrupts() {
  for (const int number : kSignals) signal(number, SIG_IGN);
}

void HoldInterrupts() { SetMask(SIG_BLOCK); }

void LetInterruptsCome() { SetMask(SIG_UNBLOCK); }

}  // namespace batchsweep

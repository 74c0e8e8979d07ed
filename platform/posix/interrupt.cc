#include "platform/interrupt.h"

#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include <atomic>
#include <cstdint>
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

// From this long after the first request on, another one is of its own.
constexpr int64_t kSameRequestNs = 1'000'000'000;

// When the first SIGINT or SIGTERM came; 0: none has.
std::atomic<int64_t> first_request_ns = 0;
static_assert(std::atomic<int64_t>::is_always_lock_free);

void SetInterrupted(int number) {
  interrupted->store(true, std::memory_order_relaxed);
  if (number == SIGHUP) return;
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t now_ns = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  int64_t first_ns = 0;
  if (first_request_ns.compare_exchange_strong(first_ns, now_ns)) return;
  if (now_ns - first_ns < kSameRequestNs) return;
  // Its default course, as soon as this returns.
  signal(number, SIG_DFL);
  raise(number);
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
    action.sa_flags = SA_RESTART;
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

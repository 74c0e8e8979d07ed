// Of the C++ library, which knows Ctrl-C and the request to end.
#include "platform/interrupt.h"

#include <atomic>
#include <csignal>

namespace batchsweep {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// The second signal takes its default course, as the C++ library has it.
void SetInterrupted(int signal) {
  interrupted.store(true, std::memory_order_relaxed);
  std::signal(signal, SIG_DFL);
}

}  // namespace

void CatchInterrupts() {
  for (const int signal : kSignals) std::signal(signal, SetInterrupted);
}

bool InterruptRequested() {
  return interrupted.load(std::memory_order_relaxed);
}

void IgnoreInterrupts() {
  for (const int signal : kSignals) std::signal(signal, SIG_IGN);
}

// The C++ library cannot, and no program becomes another one here.
void HoldInterrupts() {}

void LetInterruptsCome() {}

}  // namespace batchsweep

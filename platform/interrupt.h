// Ctrl-C and the like, noticed rather than obeyed at once.
#ifndef BATCHSWEEP_PLATFORM_INTERRUPT_H_
#define BATCHSWEEP_PLATFORM_INTERRUPT_H_

namespace batchsweep {

// From now on the first interrupt or request to end (SIGINT, SIGTERM, SIGHUP)
// only sets a flag; a second one ends the program as usual.
void CatchInterrupts();

// Whether one has come. Costs one load.
bool InterruptRequested();

// For a child process just forked, which would get the same signal: only its
// parent takes it, and InterruptRequested() says so to both.
void IgnoreInterrupts();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_INTERRUPT_H_

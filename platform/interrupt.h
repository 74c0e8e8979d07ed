// Ctrl-C and the like, noticed rather than obeyed at once.
#ifndef BATCHSWEEP_PLATFORM_INTERRUPT_H_
#define BATCHSWEEP_PLATFORM_INTERRUPT_H_

namespace batchsweep {

// From now on an interrupt or request to end (SIGINT, SIGTERM, SIGHUP) only
// sets a flag. Another SIGINT or SIGTERM, a second after the first or later,
// ends the program as usual; sooner it is the same request, which timeout(1),
// for one, sends twice: to the program and to its group. No SIGHUP does, since
// the kernel and the shell each send one as a terminal closes.
//
// SIGHUP stays ignored where it is as the program starts: nohup asks for that.
// SIGINT is noticed even so: a shell without job control has it ignored by each
// `batchsweep run &` of a script, and whoever then presses Ctrl-C or sends it
// means the sweep, which stops such that it can be gone on with, rather than
// compute on unseen.
void CatchInterrupts();

// Whether one has come. Costs one load.
bool InterruptRequested();

// For a child process just forked, which would get the same signal: only its
// parent takes it, and InterruptRequested() says so to both.
void IgnoreInterrupts();

// Holds interrupts back until CatchInterrupts() is called, be it by the program
// that this one becomes, or LetInterruptsCome().
void HoldInterrupts();
void LetInterruptsCome();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_INTERRUPT_H_

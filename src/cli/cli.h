// The command line.
#ifndef BATCHSWEEP_CLI_CLI_H_
#define BATCHSWEEP_CLI_CLI_H_

namespace batchsweep {

// Runs the program; returns its exit code: 0 valid, 1 error (one line on
// standard error), 2 ran but the result is marked invalid, 130 interrupted and
// resumable. A command whose output is its purpose, `run --json` included, ends
// with 1 if that cannot be written; a run without --json does not.
int RunCli(int argc, const char* const* argv);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_CLI_H_

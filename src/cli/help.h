// What --help says, but for the flags themselves.
#ifndef BATCHSWEEP_CLI_HELP_H_
#define BATCHSWEEP_CLI_HELP_H_

namespace CLI {
class App;
}

namespace batchsweep {

extern const char* const kDescription;
extern const char* const kExamples;
extern const char* const kRunExamples;
extern const char* const kPlanExamples;
extern const char* const kKernelsExamples;

// Lets the help of `app`, and of the subcommands added to it afterwards, fit 80
// columns.
void FitHelpToTerminal(CLI::App& app);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_HELP_H_

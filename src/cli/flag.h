// One flag of the command line, as CLI11 takes it.
#ifndef BATCHSWEEP_CLI_FLAG_H_
#define BATCHSWEEP_CLI_FLAG_H_

#include <functional>
#include <string>
#include <string_view>

#include "cli/composed_flag_value.h"
#include "platform/error.h"

namespace CLI {
class App;
}

namespace batchsweep {

// The subcommands that have flags; a bit each, since they share some.
enum Command : unsigned {
  kRun = 1,
  kPlan = 2,
  kRoofline = 4,
  kOverhead = 8,
  kInfo = 16,
  kKernels = 32,
};

struct Flag {
  const char* name;
  // Its name in run.json. Null for flags that do not decide what is recorded,
  // and for those of which another part of run.json tells.
  const char* key = nullptr;
  unsigned commands = kRun;  // that have it
  const char* help = "";
  NumberRange range = {};
  const char* group = "";  // the heading of the help that it stands below
};

// What is behind a flag, without its type.
struct ValueOfFlag {
  std::string name;  // stands for it in help
  bool is_list = false;
  std::string in_help;   // what help says of the values that it takes
  std::string preset;    // what it is if the flag is not given; empty: absent
  std::string expected;  // what read() takes
  std::function<bool(std::string_view)> read;  // false: it does not take that
};

// A setting as its flag takes it; empty if it is absent or of a switch.
std::string SettingText(const SettingValue& value);

// Of several flags with a value that read() does not take, `status` tells of
// the first.
void AddFlagWithValue(CLI::App& app, const Flag& flag, ValueOfFlag value,
                      Status& status);

// A flag without a value turns its default around.
void AddSwitch(CLI::App& app, const Flag& flag, bool& value);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_FLAG_H_

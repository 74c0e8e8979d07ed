// The command line, as far as it is read before anything is done.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cli/run_flags.h"
#include "cli/run_options.h"
#include "tests/fuzz/fuzz_targets.h"
#include "util/check.h"

namespace batchsweep {
namespace {

// In CLI11's order: the last one first.
std::vector<std::string> Arguments(std::string_view lines) {
  std::vector<std::string> arguments;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    arguments.emplace_back(line);
  }
  std::ranges::reverse(arguments);
  return arguments;
}

// A command's flags. Adding them takes longer than reading arguments, so they
// are kept, and what was read before is forgotten.
struct FlagsOf {
  explicit FlagsOf(Command command) { AddFlags(app, command, options, status); }

  RunOptions options;
  Status status;
  CLI::App app;
};

}  // namespace

void FuzzFlags(std::string_view bytes) {
  if (bytes.empty()) return;
  static std::array commands = {FlagsOf(kRun), FlagsOf(kPlan),
                                FlagsOf(kRoofline), FlagsOf(kOverhead),
                                FlagsOf(kInfo)};
  auto& [options, status, app] =
      commands[static_cast<unsigned char>(bytes[0]) % commands.size()];
  options = {};
  status = {};
  try {
    app.parse(Arguments(bytes.substr(1)));
  } catch (const CLI::ParseError&) {
    return;
  }
  if (!status) {
    CHECK(!status.error().message.empty());
    return;
  }
  for (const Setting& setting : SettingsOf(options)) {
    CHECK(!setting.name.empty());
  }
}

}  // namespace batchsweep

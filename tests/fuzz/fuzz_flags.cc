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

}  // namespace

void FuzzFlags(std::string_view bytes) {
  if (bytes.empty()) return;
  static constexpr std::array kCommands = {kRun, kPlan, kRoofline, kOverhead,
                                           kInfo};
  const auto chosen = static_cast<unsigned char>(bytes[0]) % kCommands.size();
  RunOptions options;
  Status status;
  CLI::App app;
  AddFlags(app, kCommands[chosen], options, status);
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

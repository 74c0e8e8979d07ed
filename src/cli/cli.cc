#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <format>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/run_flags.h"
#include "cli/text.h"
#include "platform/terminal.h"
#include "record/build_info.h"

namespace batchsweep {
namespace {

std::string JoinedCommand(int argc, const char* const* argv) {
  std::string command = "batchsweep";
  for (int i = 1; i < argc; ++i) {
    command += ' ';
    command += argv[i];
  }
  return command;
}

std::string VersionText() {
  const BuildInfo build = GetBuildInfo();
  return build.version + " (" + build.git_revision + ")";
}

// What the command line asks for, once it is parsed.
struct Request {
  RunOptions options;
  Status flags;       // the first value that a flag does not take
  std::string shown;  // models show NAME
  std::string about;  // help COMMAND
  std::function<Result<int>()> command;
};

// Adds a subcommand that runs `command`.
CLI::App& AddCommand(CLI::App& app, Request& request, const char* name,
                     const char* description,
                     std::function<Result<int>()> command) {
  CLI::App& added = *app.add_subcommand(name, description);
  added.footer("");  // not the parent's
  added.callback(
      [&request, command = std::move(command)] { request.command = command; });
  return added;
}

void AddSweepCommands(CLI::App& app, Request& request) {
  RunOptions& options = request.options;
  CLI::App& run = AddCommand(app, request, "run", "train at each batch size",
                             [&] { return RunCommand(options); });
  AddFlags(run, kRun, options, request.flags);
  run.footer(kRunExamples);
  CLI::App& plan = AddCommand(app, request, "plan",
                              "the memory of each batch size; runs nothing",
                              [&] { return PlanCommand(options); });
  AddFlags(plan, kPlan, options, request.flags);
  plan.footer(kPlanExamples);
  CLI::App& kernels = AddCommand(app, request, "kernels",
                                 "who multiplies fastest on this machine",
                                 [&] { return KernelsCommand(options); });
  AddFlags(kernels, kKernels, options, request.flags);
  kernels.footer(kKernelsExamples);
}

void AddMachineCommands(CLI::App& app, Request& request) {
  RunOptions& options = request.options;
  AddFlags(AddCommand(app, request, "roofline",
                      "how fast this machine multiplies matrices and updates",
                      [&] { return RooflineCommand(options); }),
           kRoofline, options, request.flags);
  AddFlags(AddCommand(app, request, "overhead",
                      "what measuring costs on this machine",
                      [&] { return OverheadCommand(options); }),
           kOverhead, options, request.flags);
  AddFlags(AddCommand(app, request, "info", "this machine and its sensors",
                      [&] { return InfoCommand(options); }),
           kInfo, options, request.flags);
}

void AddModelCommands(CLI::App& app, Request& request) {
  CLI::App& models =
      AddCommand(app, request, "models", "the models that come with it", [&] {
        return request.shown.empty() ? ModelsCommand()
                                     : ShowModelCommand(request.shown);
      });
  models.require_subcommand(0, 1);
  CLI::App* const show = models.add_subcommand("show", "print a model's JSON");
  show->footer("");
  show->add_option("name", request.shown, "of the model")->required();
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

// " (did you mean run?)", or nothing.
std::string Suggestion(const std::string& name,
                       const std::vector<std::string>& names) {
  const std::string nearest = NearestName(name, names);
  return nearest.empty() ? "" : " (did you mean " + nearest + "?)";
}

std::string HelpCommand(const CLI::App& command) {
  return command.get_parent() == nullptr
             ? "batchsweep --help"
             : "batchsweep " + command.get_name() + " --help";
}

Error UnknownCommand(const CLI::App& app, const std::string& name) {
  const std::vector<std::string> names = CommandNames(app);
  return {std::format("there is no subcommand {}{}; see {}", name,
                      Suggestion(name, names), HelpCommand(app))};
}

// Says what `command` does not take, of what it has not taken.
Error UnknownArgument(const CLI::App& command,
                      const std::vector<std::string>& arguments) {
  const auto flag = std::ranges::find_if(
      arguments,
      [](const std::string& argument) { return argument.starts_with("-"); });
  if (flag == arguments.end()) {
    return {std::format("{}: \"{}\" was not expected; see {}",
                        command.get_name(), arguments.front(),
                        HelpCommand(command))};
  }
  const std::string name = flag->substr(0, flag->find('='));
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options()) {
    names.push_back(option->get_name());
  }
  return {std::format("{} has no flag {}{}; see {}", command.get_name(), name,
                      Suggestion(name, names), HelpCommand(command))};
}

// CLI11's error, or what it does not tell, as one line of ours.
Error ErrorOfParse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
  }
  if (const auto left = command->remaining(); !left.empty()) {
    const bool is_command = command == &app && !left.front().starts_with("-");
    return is_command ? UnknownCommand(app, left.front())
                      : UnknownArgument(*command, left);
  }
  if (command == &app) {
    return {std::format("a subcommand is required: {}; see {}",
                        JoinedChoices(CommandNames(app)), HelpCommand(app))};
  }
  std::string message = error.what();
  // CLI11 names a switch without its dashes here.
  constexpr std::string_view kHasValue =
      " was given a disallowed flag override";
  if (message.ends_with(kHasValue)) {
    const size_t name_size = message.size() - kHasValue.size();
    message = std::format("--{}: takes no value", message.substr(0, name_size));
  }
  std::ranges::replace(message, '\n', ' ');
  return {std::format("{}; see {}", message, HelpCommand(*command))};
}

void AddHelpCommands(CLI::App& app, Request& request) {
  CLI::App& help =
      AddCommand(app, request, "help", "what a subcommand does, and its flags",
                 [&]() -> Result<int> {
                   const std::string& name = request.about;
                   if (name.empty()) {
                     WriteOutput(app.get_formatter()->make_help(
                         &app, app.get_name(), CLI::AppFormatMode::Normal));
                   } else if (std::ranges::contains(CommandNames(app), name)) {
                     WriteOutput(app.get_subcommand(name)->help("batchsweep"));
                   } else {
                     return std::unexpected(UnknownCommand(app, name));
                   }
                   return kExitValid;
                 });
  help.add_option("subcommand", request.about, "of which to tell");
  AddCommand(app, request, "version", "of this program", []() -> Result<int> {
    WriteOutput(VersionText() + "\n");
    return kExitValid;
  });
}

void DescribeCommandLine(CLI::App& app, Request& request) {
  app.footer(kExamples);
  FitHelpToTerminal(app);
  app.require_subcommand(1);
  app.set_version_flag("--version", VersionText());
  AddSweepCommands(app, request);
  AddMachineCommands(app, request);
  AddModelCommands(app, request);
  AddHelpCommands(app, request);
}

int PrintError(const Error& error) {
  // Some quote names, which may be of any length.
  constexpr size_t kMostBytes = 2000;
  PrintMessage("batchsweep: {}", Shortened(error.message, kMostBytes));
  return kExitError;
}

// The exit code of a command whose output is its purpose.
int FinishOutput(int exit_code) {
  const Status written = FlushOutput();
  return written ? exit_code : PrintError(written.error());
}

// What CLI11 tells as an error of exit code 0.
int PrintHelpOrVersion(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream text;
  app.exit(error, text, text);
  WriteOutput(text.str());
  return FinishOutput(kExitValid);
}

// A run's results are in its folder, whether or not its table could be printed;
// and that it can be gone on with is the more important news.
int ExitCodeOfRun(const RunOptions& options, int exit_code) {
  const bool prints_result = options.json && exit_code != kExitInterrupted;
  return prints_result ? FinishOutput(exit_code) : exit_code;
}

}  // namespace

int RunCli(int argc, const char* const* argv) {
  KeepStandardStreams();
  Request request;
  request.options.command = JoinedCommand(argc, argv);
  CLI::App app(kDescription, "batchsweep");
  DescribeCommandLine(app, request);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return PrintHelpOrVersion(app, error);
    return PrintError(ErrorOfParse(app, error));
  }
  if (!request.flags) return PrintError(request.flags.error());
  const Result<int> exit_code = request.command();
  if (!exit_code) return PrintError(exit_code.error());
  return app.got_subcommand("run") ? ExitCodeOfRun(request.options, *exit_code)
                                   : FinishOutput(*exit_code);
}

}  // namespace batchsweep

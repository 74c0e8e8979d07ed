#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <print>

#include "cli/commands.h"
#include "record/build_info.h"
#include "train/optimizer.h"

namespace batchsweep {
namespace {

constexpr const char* kDescription =
    "batchsweep: what a training step costs at each batch size, on this "
    "machine";

constexpr const char* kExamples = R"(
Examples:
  batchsweep run                                 the mlp on Fashion-MNIST, 10 epochs of 8, 32 and 128
  batchsweep run --data synthetic --steps 500    no data needed
  batchsweep run --model my_model.json --data ~/kmnist --batch-sizes 16,64
  batchsweep plan --model mlp-wide --batch-sizes 1,64,4096
)";

constexpr const char* kRunExamples = R"(
Examples:
  batchsweep run --batch-sizes 8,32,128 --epochs 10 --out results
  batchsweep run --optimizer sgd --lr 0.1 --momentum 0.9 --nesterov
  batchsweep run --seeds 3 --lr-rule sqrt --out results-sqrt
  batchsweep run --resume                        go on after Ctrl-C
  batchsweep run --processes 5 --order shuffled --cool-to 50 --require-clean

Writes steps.csv, epochs.csv, summary.csv, run.json, weights/ and checkpoint/
into the folder of --out. Exit code: 0 valid, 1 error, 2 ran but a loss was not
finite or, with --require-clean, something disturbed it, 130 interrupted and
resumable.
)";

void AddThreads(CLI::App& app, std::vector<int>& threads) {
  app.add_option("--threads", threads,
                 "that compute; several, separated by commas, are swept")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

void AddSharedFlags(CLI::App& app, RunOptions& options) {
  app.add_option("--model", options.model,
                 "name of a zoo model or a Keras JSON file")
      ->capture_default_str();
  app.add_option(
         "--data", options.data,
         "fashion-mnist, synthetic, or a folder of IDX, CIFAR (binary) or "
         ".npy files")
      ->capture_default_str();
  app.add_option("--batch-sizes", options.batch_sizes,
                 "examples a step, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--optimizer", options.optimizer, "by Keras' formulas")
      ->check(CLI::IsMember(OptimizerNames()))
      ->capture_default_str();
  app.add_option("--momentum", options.momentum, "of sgd and rmsprop [0]")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--loss", options.loss,
                 "auto goes by the data: labels, or targets for a model that "
                 "ends in softmax or not")
      ->check(CLI::IsMember({"auto", "sparse_categorical_crossentropy",
                             "categorical_crossentropy", "mean_squared_error"}))
      ->capture_default_str();
  AddThreads(app, options.threads);
  app.add_option("--memory", options.memory,
                 "keep packed copies of weights (fast), or pack them anew "
                 "before each use (lean)")
      ->check(CLI::IsMember({"fast", "lean"}))
      ->capture_default_str();
  app.add_option("--train-limit", options.train_limit,
                 "train on the first N examples only")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}));
  app.add_option("--val-from", options.val_from,
                 "validate on the last 5,000 training examples (train) or on "
                 "the test set (test)")
      ->check(CLI::IsMember({"train", "test"}))
      ->capture_default_str();
  app.add_option("--val-limit", options.val_limit,
                 "validate on the first N of these only")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory-limit", options.memory_limit_mib,
                 "MiB that the program may take")
      ->check(CLI::PositiveNumber);
}

void AddSampleHz(CLI::App& app, double& sample_hz) {
  app.add_option("--sample-hz", sample_hz,
                 "readings of the board's state a second; 0: none")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
}

// What keeps a measurement clean, or tells how clean it is.
void AddMeasuringFlags(CLI::App& app, RunOptions& options) {
  app.add_option("--processes", options.processes,
                 "repeat all in N processes, for the spread between them")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--order", options.order,
                 "of the batch sizes, threads and seeds: given or shuffled")
      ->check(CLI::IsMember({"given", "shuffled"}))
      ->capture_default_str();
  app.add_option("--cool-to", options.cool_to_celsius,
                 "wait before each batch size until the CPU has cooled to so "
                 "many degrees Celsius");
  app.add_option("--soak", options.soak_seconds,
                 "seconds of training before each batch size's own, for the "
                 "rate that a warm board sustains")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--pin", options.pin,
                 "compute on these cores only, separated by commas")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--realtime", options.realtime,
               "compute before all usual threads, where that is allowed");
  AddSampleHz(app, options.sample_hz);
  app.add_option("--target-accuracy", options.target_accuracy,
                 "of validation; record the time and energy to reach it")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--require-clean", options.require_clean,
               "exit with 2 if there was any warning");
}

void AddRunFlags(CLI::App& app, RunOptions& options) {
  AddSharedFlags(app, options);
  CLI::Option* epochs =
      app.add_option("--epochs", options.epochs,
                     "passes over the data for each batch size [10]")
          ->check(CLI::PositiveNumber);
  CLI::Option* steps =
      app.add_option("--steps", options.steps,
                     "the same number of steps for each batch size instead")
          ->check(CLI::PositiveNumber)
          ->excludes(epochs);
  app.add_option("--seconds", options.seconds,
                 "the same training time for each batch size instead")
      ->check(CLI::PositiveNumber)
      ->excludes(epochs)
      ->excludes(steps);
  app.add_option("--lr", options.learning_rate,
                 "learning rate [0.001; sgd 0.01]")
      ->check(CLI::PositiveNumber);
  app.add_option("--lr-rule", options.lr_rule,
                 "learning rate of batch size B: as given (none), times "
                 "sqrt(B/32) (sqrt) or times B/32 (linear)")
      ->check(CLI::IsMember({"none", "sqrt", "linear"}))
      ->capture_default_str();
  app.add_flag("--nesterov", options.nesterov, "Nesterov's momentum, for sgd");
  app.add_option("--weight-decay", options.weight_decay, "of adamw [0.004]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seeds", options.seeds, "repeat all with seeds 1 to N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--init", options.init,
                 "first weights: one draw for all batch sizes (shared), a draw "
                 "for each (fresh), or a safetensors file")
      ->capture_default_str();
  app.add_flag("--no-shuffle", options.no_shuffle,
               "take the examples in their order");
  AddMeasuringFlags(app, options);
  app.add_flag("--resume", options.resume,
               "go on with an interrupted run of the same flags");
  app.add_option("--out", options.out, "folder for the results")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print the summary as JSON");
}

std::string JoinedCommand(int argc, const char* const* argv) {
  std::string command = "batchsweep";
  for (int i = 1; i < argc; ++i) {
    command += ' ';
    command += argv[i];
  }
  return command;
}

// Parse errors as one line of ours; help and version as CLI11 prints them.
int ExitOfParse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  std::string message = error.what();
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  std::println(stderr, "batchsweep: {}; see batchsweep --help", message);
  return kExitError;
}

}  // namespace

int RunCli(int argc, const char* const* argv) {
  CLI::App app(kDescription, "batchsweep");
  app.footer(kExamples);
  app.require_subcommand(1);
  app.set_version_flag("--version", GetBuildInfo().version + " (" +
                                        GetBuildInfo().git_revision + ")");
  RunOptions options;
  options.command = JoinedCommand(argc, argv);
  std::function<Result<int>()> command;

  CLI::App* run = app.add_subcommand("run", "train at each batch size");
  AddRunFlags(*run, options);
  run->footer(kRunExamples);
  run->callback([&] { command = [&] { return RunCommand(options); }; });

  CLI::App* plan =
      app.add_subcommand("plan", "the memory of each batch size; runs nothing");
  AddSharedFlags(*plan, options);
  plan->callback([&] { command = [&] { return PlanCommand(options); }; });

  std::vector<int> roofline_threads = {1};
  CLI::App* roofline = app.add_subcommand(
      "roofline", "how fast this machine multiplies matrices and updates");
  AddThreads(*roofline, roofline_threads);
  roofline->callback(
      [&] { command = [&] { return RooflineCommand(roofline_threads); }; });

  double sample_hz = 10.0;
  bool overhead_json = false;
  CLI::App* overhead =
      app.add_subcommand("overhead", "what measuring costs on this machine");
  AddSampleHz(*overhead, sample_hz);
  overhead->add_flag("--json", overhead_json, "print it as JSON");
  overhead->callback([&] {
    command = [&] { return OverheadCommand(sample_hz, overhead_json); };
  });

  bool info_json = false;
  CLI::App* info = app.add_subcommand("info", "this machine and its sensors");
  info->add_flag("--json", info_json, "print it as JSON");
  info->callback([&] { command = [&] { return InfoCommand(info_json); }; });

  std::string shown;
  CLI::App* models = app.add_subcommand("models", "the zoo");
  CLI::App* show = models->add_subcommand("show", "print a model's JSON");
  show->add_option("name", shown, "of the model")->required();
  models->callback([&] {
    command = [&] {
      return shown.empty() ? ModelsCommand() : ShowModelCommand(shown);
    };
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitOfParse(app, error);
  }
  const Result<int> exit_code = command();
  if (exit_code) return *exit_code;
  std::println(stderr, "batchsweep: {}", exit_code.error().message);
  return kExitError;
}

}  // namespace batchsweep

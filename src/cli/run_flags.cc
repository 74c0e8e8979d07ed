#include "cli/run_flags.h"

#include <concepts>
#include <type_traits>
#include <utility>

#include "cli/flag.h"
#include "cli/run_flag_value.h"

namespace batchsweep {
namespace {

// A heading of the help, and the flags below it.
auto InGroup(const char* group, const auto& visit) {
  return [group, &visit](Flag flag, auto& value) {
    flag.group = group;
    visit(flag, value);
  };
}

void VisitModelAndData(auto& options, const auto& visit) {
  visit(Flag{.name = "--model",
             .commands = kRun | kPlan | kKernels,
             .help = "a model of the zoo or a Keras JSON file"},
        options.model);
  visit(Flag{.name = "--data",
             .commands = kRun | kPlan,
             .help = "fashion-mnist, synthetic, or a folder of IDX, CIFAR "
                     "(binary) or .npy files"},
        options.data);
  visit(Flag{.name = "--loss",
             .key = "loss",
             .commands = kRun | kPlan,
             .help = "what training minimises; auto goes by the data and by "
                     "whether the model ends in softmax"},
        options.loss);
  visit(Flag{.name = "--train-limit",
             .commands = kRun | kPlan,
             .help = "train on the first N examples only",
             .range = {1, 1e9}},
        options.train_limit);
  visit(Flag{.name = "--val-from",
             .commands = kRun | kPlan,
             .help = "validate on the last twelfth of the training examples, "
                     "at most 5,000, which are not trained on then (train), or "
                     "on the test set (test)"},
        options.val_from);
  visit(Flag{.name = "--val-limit",
             .commands = kRun | kPlan,
             .help = "validate on the first N of these only",
             .range = {1, 1e9}},
        options.val_limit);
  visit(Flag{.name = "--val-every",
             .key = "val_every",
             .help = "validate within epochs too: every N steps, or every so "
                     "many seconds of training, as in 2s or 0.5s",
             .range = {1, 1e12}},
        options.sweep.val_every);
}

void VisitBudget(auto& options, const auto& visit) {
  auto& budget = options.sweep.budget;
  visit(Flag{.name = "--epochs",
             .key = "epochs",
             .help = "passes over the data for each batch size; 10 if neither "
                     "--steps nor --seconds is given",
             .range = {1, 1e6}},
        budget.epochs);
  visit(Flag{.name = "--steps",
             .key = "steps",
             .help = "the same number of steps for each batch size instead",
             .range = {1, 1e12}},
        budget.steps);
  visit(Flag{.name = "--seconds",
             .key = "seconds",
             .help = "the same training time for each batch size instead",
             .range = {0, 1e9, true}},
        budget.seconds);
}

void VisitOptimizer(auto& options, const auto& visit) {
  visit(Flag{.name = "--optimizer",
             .key = "optimizer",
             .commands = kRun | kPlan,
             .help = "by Keras' formulas and defaults"},
        options.optimizer);
  visit(Flag{.name = "--lr",
             .key = "learning_rate",
             .help = "learning rate; 0.001, of sgd 0.01, if not given",
             .range = {0, 1e38, true}},
        options.optimizer_options.learning_rate);
  visit(Flag{.name = "--lr-rule",
             .key = "lr_rule",
             .help = "learning rate of batch size B, from B0, that of "
                     "--reference-batch: as given (none), times sqrt(B/B0) "
                     "(sqrt) or times B/B0 (linear)"},
        options.sweep.rules.lr);
  visit(Flag{.name = "--adam-rule",
             .key = "adam_rule",
             .help = "of adam and adamw at batch size B: as given (none), "
                     "beta2 that forgets after as many examples (half-life), "
                     "or learning rate, betas and epsilon of the same "
                     "stochastic process (sde)"},
        options.sweep.rules.adam);
  visit(Flag{.name = "--reference-batch",
             .key = "reference_batch",
             .help = "batch size at which these rules change nothing",
             .range = {1, 1e6}},
        options.sweep.rules.reference_batch);
  visit(Flag{.name = "--momentum",
             .key = "momentum",
             .commands = kRun | kPlan,
             .help = "of sgd and rmsprop; 0 if not given",
             .range = {0, 1}},
        options.optimizer_options.momentum);
  visit(Flag{.name = "--nesterov",
             .key = "nesterov",
             .help = "Nesterov's momentum, for sgd"},
        options.optimizer_options.nesterov);
  visit(Flag{.name = "--weight-decay",
             .key = "weight_decay",
             .help = "of adamw; 0.004 if not given",
             .range = {0, 1e6}},
        options.optimizer_options.weight_decay);
}

void VisitWeights(auto& options, const auto& visit) {
  visit(Flag{.name = "--init",
             .key = "init",
             .help = "first weights: one draw for all batch sizes (shared), a "
                     "draw for each (fresh), or a safetensors file"},
        options.sweep.init);
  visit(Flag{.name = "--no-shuffle",
             .key = "shuffle",
             .help = "take the examples in their order"},
        options.sweep.shuffle);
  visit(Flag{.name = "--kernels",
             .key = "kernels",
             .commands = kRun | kPlan,
             .help = "who multiplies: XNNPACK unless ours is faster here "
                     "(fastest), xnnpack or own wherever there is one, or what "
                     "the run of a run.json chose"},
        options.sweep.kernels);
  visit(Flag{.name = "--memory",
             .key = "memory",
             .commands = kRun | kPlan,
             .help = "keep packed copies of weights (fast), or pack them anew "
                     "before each use (lean)"},
        options.sweep.memory);
  visit(Flag{.name = "--update",
             .key = "update",
             .commands = kRun | kPlan,
             .help = "a dense layer's weights while their gradient is computed "
                     "(fused), or all after all gradients (separate); the same "
                     "results"},
        options.sweep.updates);
  visit(
      Flag{.name = "--noise-scale",
           .key = "noise_scale",
           .commands = kRun | kPlan,
           .help = "measure how noisy gradients are, for epochs.csv: of dense "
                   "layers (dense) or convolutions too (all); updates are "
                   "separate then"},
      options.sweep.noise_scope);
  visit(Flag{.name = "--memory-limit",
             .commands = kRun | kPlan,
             .help = "MiB that the program may take",
             .range = {1, 1e9}},
        options.memory_limit_mib);
}

void VisitSweep(auto& options, const auto& visit) {
  visit(Flag{.name = "--batch-sizes",
             .key = "batch_sizes",
             .commands = kRun | kPlan | kKernels,
             .help = "examples a step",
             .range = {1, 1e6}},
        options.sweep.batch_sizes);
  visit(Flag{.name = "--threads",
             .key = "threads",
             .commands = kRun | kPlan | kKernels | kRoofline,
             .help = "that compute",
             .range = {1, 1024}},
        options.sweep.threads);
  visit(Flag{.name = "--seeds",
             .key = "seeds",
             .help = "repeat all with seeds 1 to N, or with just those of a "
                     "list",
             .range = {1, 10'000}},
        options.seeds);
  visit(Flag{.name = "--processes",
             .key = "processes",
             .help = "repeat all in N processes, for the spread between them",
             .range = {1, 1000}},
        options.sweep.processes);
  visit(
      Flag{.name = "--order",
           .key = "order",
           .help = "of the batch sizes, threads and seeds: given or shuffled"},
      options.sweep.order);
}

void VisitMeasurement(auto& options, const auto& visit) {
  auto& sweep = options.sweep;
  visit(Flag{.name = "--cool-to",
             .key = "cool_to_celsius",
             .help = "wait before each batch size until the CPU has cooled to "
                     "X degrees Celsius",
             .range = {0, 150}},
        sweep.cool_to_celsius);
  visit(Flag{.name = "--soak",
             .key = "soak_seconds",
             .help = "train X seconds before each batch size's own training, "
                     "for the rate that a warm board sustains",
             .range = {0, 1e6}},
        sweep.soak_seconds);
  visit(Flag{.name = "--pin",
             .key = "pin",
             .help = "compute on these cores only",
             .range = {0, 65'535}},
        sweep.pin);
  visit(Flag{.name = "--realtime",
             .key = "realtime",
             .help = "compute before all usual threads, where that is allowed"},
        sweep.realtime);
  visit(Flag{.name = "--sample-hz",
             .key = "sample_hz",
             .commands = kRun | kOverhead,
             .help = "readings of the board's state a second; 0: none",
             .range = {.low = 0.001, .high = 1000, .or_zero = true}},
        sweep.sample_hz);
  visit(Flag{.name = "--target-accuracy",
             .key = "target_accuracy",
             .help = "record steps, time and energy to reach it in validation",
             .range = {0, 1}},
        sweep.target_accuracy);
  visit(Flag{.name = "--target-loss",
             .key = "target_loss",
             .help = "the same for a loss on a fixed part of the training set, "
                     "instead",
             .range = {0, 1e38, true}},
        sweep.target_loss);
  visit(Flag{.name = "--target-examples",
             .key = "target_examples",
             .help = "that part: the first N examples; 8,192 if not given",
             .range = {1, 1e9}},
        sweep.target_examples);
  visit(Flag{.name = "--stop-at-target",
             .key = "stop_at_target",
             .help = "end each training at the evaluation that reaches it"},
        sweep.stop_at_target);
  visit(Flag{.name = "--require-clean",
             .help = "exit with 2 if there was any warning"},
        options.require_clean);
}

void VisitOutput(auto& options, const auto& visit) {
  visit(Flag{.name = "--out", .help = "folder for the results"},
        options.sweep.out);
  visit(Flag{.name = "--resume",
             .help = "go on with an interrupted run of the same flags"},
        options.resume);
  visit(Flag{.name = "--resume-anyway",
             .help = "the same by another program or on another CPU; recorded"},
        options.resume_anyway);
  visit(Flag{.name = "--json",
             .commands = kRun | kKernels | kOverhead | kInfo,
             .help = "print what is found as JSON"},
        options.json);
}

// The list: visit(flag, value) for each flag of any command, in the order of
// the help and of run.json.
void VisitFlags(auto& options, const auto& visit) {
  VisitModelAndData(options, InGroup("Model and data", visit));
  const auto training = InGroup("Training", visit);
  VisitBudget(options, training);
  VisitOptimizer(options, training);
  VisitWeights(options, training);
  VisitSweep(options, InGroup("Sweep", visit));
  VisitMeasurement(options, InGroup("Measurement", visit));
  VisitOutput(options, InGroup("Output", visit));
}

template <class T>
void AddFlag(CLI::App& app, const Flag& flag, T& value, Status& status) {
  using Value = FlagValue<T>;
  AddFlagWithValue(app, flag,
                   {.name = Value::kName,
                    .is_list = Value::kIsList,
                    .in_help = Value::InHelp(flag.range),
                    .preset = SettingText(Value::Record(value)),
                    .expected = Value::Expected(flag.range),
                    .read =
                        [range = flag.range, &value](std::string_view text) {
                          auto found = Value::Read(text, range);
                          if (!found) return false;
                          value = *std::move(found);
                          return true;
                        }},
                   status);
}

void AddFlag(CLI::App& app, const Flag& flag, bool& value, Status&) {
  AddSwitch(app, flag, value);
}

}  // namespace

void AddFlags(CLI::App& app, Command command, RunOptions& options,
              Status& status) {
  VisitFlags(options, [&](const Flag& flag, auto& value) {
    if ((flag.commands & command) != 0) AddFlag(app, flag, value, status);
  });
}

std::vector<Setting> SettingsOf(const RunOptions& options) {
  std::vector<Setting> settings;
  VisitFlags(options, [&]<class T>(const Flag& flag, const T& value) {
    if (flag.key == nullptr) return;
    if constexpr (std::same_as<T, bool>) {
      settings.push_back({flag.key, value});
    } else {
      settings.push_back({flag.key, FlagValue<T>::Record(value)});
    }
  });
  return settings;
}

}  // namespace batchsweep

#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/text.h"

namespace batchsweep {
namespace {

constexpr size_t kHelpColumn = 24;

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kHelpColumn); }

  // CLI11 leaves two empty lines between groups.
  std::string make_group(
      std::string group, bool is_positional,
      std::vector<const CLI::Option*> options) const override {
    const std::string text =
        CLI::Formatter::make_group(group, is_positional, std::move(options));
    const bool is_first = is_positional || group == "Options";
    return is_first ? text : text.substr(1);
  }

  std::string make_option(const CLI::Option* option,
                          bool is_positional) const override {
    std::string line = "  " + make_option_name(option, is_positional);
    if (!option->get_type_name().empty()) line += " " + option->get_type_name();
    // Beside the name if that leaves a gap, else below it.
    line += line.size() + 2 <= kHelpColumn
                ? std::string(kHelpColumn - line.size(), ' ')
                : "\n" + std::string(kHelpColumn, ' ');
    return line + Wrapped(option->get_description(), kHelpColumn) + "\n";
  }
};

}  // namespace

const char* const kDescription =
    "batchsweep: what a training step costs at each batch size, on this "
    "machine";

const char* const kExamples = R"(Examples:
  batchsweep run                 mlp on Fashion-MNIST, batch sizes 8, 32 and 128
  batchsweep run --data synthetic --steps 500                no data are needed
  batchsweep run --model my_model.json --data ~/kmnist --batch-sizes 16,64
  batchsweep plan --model cnn    the memory that it takes
  batchsweep help run            every flag)";

const char* const kRunExamples = R"(Examples:
  batchsweep run --batch-sizes 8,32,128 --epochs 10 --out results
  batchsweep run --optimizer sgd --lr 0.1 --momentum 0.9 --nesterov
  batchsweep run --seeds 5 --lr-rule sqrt --out results-sqrt
  batchsweep run --resume                                go on after Ctrl-C
  batchsweep run --processes 5 --order shuffled --cool-to 50 --require-clean

Writes steps.csv, epochs.csv, evaluations.csv, summary.csv, run.json,
model.json, weights/ and checkpoint/ into the folder of --out. Exit code: 0
valid, 1 error, 2 ran but a loss was not finite or, with --require-clean,
something disturbed it, 130 interrupted and resumable.)";

const char* const kPlanExamples = R"(Examples:
  batchsweep plan --model mlp-wide --batch-sizes 1,64,4096
  batchsweep plan --model my_model.json --data ~/kmnist --memory lean
  batchsweep plan --model resnet8 --data synthetic --memory-limit 200)";

const char* const kKernelsExamples = R"(Examples:
  batchsweep kernels --model resnet8
  batchsweep kernels --model my_model.json --batch-sizes 16 --threads 1,4)";

void FitHelpToTerminal(CLI::App& app) {
  app.formatter(std::make_shared<HelpFormatter>());
}

}  // namespace batchsweep

// The program as its users meet it: started, its output read, its exit code
// checked.
#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdio>
#include <filesystem>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ranges>

#include "cli/text.h"
#include "platform/file.h"
#include "record/csv_reader.h"
#include "record/earlier_run.h"
#include "record/epoch_record.h"
#include "record/json.h"
#include "record/step_record.h"
#include "record/summary_record.h"
#include "tests/paths.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Runs the program with `arguments`, a shell's words, and `prefix` before it.
Outcome Run(const std::string& arguments, const std::string& prefix = "") {
  const TempDir folder;
  const auto out = folder.path() / "out", err = folder.path() / "err";
  const std::string command =
      std::format("{} {} {} >{} 2>{} </dev/null", prefix, TestProgram(),
                  arguments, out.string(), err.string());
  const int status = std::system(command.c_str());
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = ReadFile(out).value(),
          .err = ReadFile(err).value()};
}

// Exit code 1, nothing on standard output, and one line that holds `words`.
void CheckRefused(const Outcome& outcome,
                  std::initializer_list<std::string_view> words) {
  INFO(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("batchsweep: "));
  CHECK(std::ranges::count(outcome.err, '\n') == 1);
  for (const std::string_view word : words) {
    INFO(word);
    CHECK(outcome.err.contains(word));
  }
}

// A run of moments on made-up data, and where it writes.
struct QuickRun {
  TempDir folder;
  std::string out = (folder.path() / "results").string();
  std::string common = std::format(
      "run --data synthetic --train-limit 64 --val-limit 16 --seeds 1 --out {}",
      out);
  std::string arguments = common + " --batch-sizes 8,32 --epochs 2";
};

// The parts of `text` between empty lines.
std::vector<std::string> ParagraphsOf(std::string_view text) {
  std::vector<std::string> paragraphs(1);
  for (const auto line : text | std::views::split('\n')) {
    if (!line.empty()) {
      paragraphs.back().append(std::string_view(line)).append("\n");
    } else if (!paragraphs.back().empty()) {
      paragraphs.emplace_back();
    }
  }
  if (paragraphs.back().empty()) paragraphs.pop_back();
  return paragraphs;
}

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(value >> shift & 0xff);
  }
  return bytes;
}

// An IDX folder of `count` images of 28x28 in each set, as writers of bad ones
// start from.
class IdxFolder {
 public:
  explicit IdxFolder(uint32_t count = 24) {
    for (const char* set : {"train", "t10k"}) {
      const std::string name = set;
      folder_.Write(name + "-images-idx3-ubyte",
                    BigEndian(0x803) + BigEndian(count) + BigEndian(28) +
                        BigEndian(28) + std::string(count * 784, '\7'));
      std::string labels;
      for (uint32_t i = 0; i < count; ++i) labels += static_cast<char>(i % 10);
      folder_.Write(name + "-labels-idx1-ubyte",
                    BigEndian(0x801) + BigEndian(count) + labels);
    }
  }
  std::filesystem::path Write(const std::string& name,
                              const std::string& bytes) {
    return folder_.Write(name, bytes);
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  std::string Arguments(const std::string& out) const {
    return std::format("run --data {} --batch-sizes 8 --epochs 1 --out {}",
                       folder_.path().string(), out);
  }

 private:
  TempDir folder_;
};

bool Fits80Columns(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 80) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

TEST_CASE("help and version are for standard output and succeed", "[cli]") {
  for (const char* arguments :
       {"--help", "help", "--version", "version", "run --help", "help run",
        "plan --help", "roofline --help", "overhead --help", "info --help",
        "models --help", "models show --help", "help models"}) {
    const Outcome outcome = Run(arguments);
    INFO(arguments << "\n" << outcome.out);
    CHECK(outcome.exit_code == 0);
    CHECK_FALSE(outcome.out.empty());
    CHECK(outcome.err.empty());
    CHECK(Fits80Columns(outcome.out));
  }
  CHECK(Run("help").out == Run("--help").out);
  CHECK(Run("help run").out.contains("--batch-sizes"));
  CHECK(Run("version").out == Run("--version").out);
  CHECK(Run("run --help").out.contains("Exit code:"));
}

TEST_CASE("help's examples are the subcommand's own", "[cli]") {
  CHECK(Run("--help").out.contains("Examples:"));
  CHECK(Run("run --help").out.contains("batchsweep run --resume"));
  const std::string plan = Run("plan --help").out;
  CHECK(plan.contains("batchsweep plan --model"));
  CHECK_FALSE(plan.contains("batchsweep run"));
  CHECK_FALSE(Run("roofline --help").out.contains("Examples:"));
}

TEST_CASE("run's flags stand in groups, with the values that they take",
          "[cli]") {
  const std::string help = Run("run --help").out;
  size_t at = 0;
  for (const char* group : {"\nModel and data:\n", "\nTraining:\n",
                            "\nSweep:\n", "\nMeasurement:\n", "\nOutput:\n"}) {
    INFO(group);
    const size_t found = help.find(group);
    REQUIRE(found != std::string::npos);
    CHECK(found > at);
    at = found;
  }
  CHECK(help.contains("[8,32,128]"));
  CHECK(help.contains("from 1 to 1,000,000"));
  CHECK_FALSE(help.contains("e-308"));
}

TEST_CASE("what is not known is refused with what was probably meant",
          "[cli]") {
  CheckRefused(Run("run --batch-size 8"),
               {"run has no flag --batch-size", "--batch-sizes?"});
  CheckRefused(Run("run --lr_rule=sqrt"), {"no flag --lr_rule", "--lr-rule?"});
  CheckRefused(Run("rum"), {"no subcommand rum", "mean run?"});
  CheckRefused(Run("help plna"), {"no subcommand plna", "mean plan?"});
  CheckRefused(Run("run --model mpl"), {"--model mpl", "mean mlp?"});
  CheckRefused(Run("run extra"), {"extra"});
  CHECK_FALSE(Run("run --colour red").err.contains("did you mean"));
}

TEST_CASE("a run leaves tables, run.json, weights and a summary", "[cli]") {
  const QuickRun quick;
  const Outcome outcome = Run(quick.arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.contains("examples"));
  // The table, then the answer in words between empty lines.
  const std::vector<std::string> paragraphs = ParagraphsOf(outcome.out);
  REQUIRE(paragraphs.size() == 3);
  CHECK(std::ranges::count(paragraphs[0], '\n') == 3 + 2);
  CHECK(outcome.out.contains(quick.out + "/summary.csv"));
  CHECK(outcome.err.contains("[2/2] batch 32"));
  const std::filesystem::path out = quick.out;
  CHECK(ReadCsv<StepRecord>(out / "steps.csv")->size() == 2 * (8 + 2));
  CHECK(ReadCsv<EpochRecord>(out / "epochs.csv")->size() == 4);
  CHECK(ReadCsv<SummaryRecord>(out / "summary.csv")->size() == 2);
  CHECK(std::filesystem::exists(out / "weights/batch_8_seed_1.safetensors"));
  const auto json = nlohmann::json::parse(ReadFile(out / "run.json").value());
  CHECK(json["status"] == "complete");
  CHECK(json["command"].get<std::string>().starts_with("batchsweep run"));
  CHECK(json["model"]["parameters"] == 50'890);
  CHECK(json["data"]["train_examples"] == 64);
  CHECK_FALSE(json["program"]["git_revision"].get<std::string>().empty());
  std::string answer;
  for (const auto& sentence : json["advice"]["sentences"]) {
    answer += (answer.empty() ? "" : " ") + sentence.get<std::string>();
  }
  CHECK(answer.contains("32"));
  CHECK(paragraphs[1] == Wrapped(answer, 0) + "\n");
}

TEST_CASE("without --seeds a run has three, seed by seed", "[cli]") {
  const TempDir folder;
  const std::string out = (folder.path() / "results").string();
  const std::string arguments = std::format(
      "run --data synthetic --train-limit 64 --val-limit 16 --batch-sizes 8,32 "
      "--epochs 1 --out {}",
      out);
  const Outcome outcome = Run(arguments);
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.err.contains("[4/6] batch 32   seed 2 epoch 1 "));
  CHECK(outcome.out.contains("Medians of 3 seeds"));
  CHECK(Fits80Columns(outcome.out.substr(0, outcome.out.find("All figures"))));
  const auto rows = ReadCsv<SummaryRecord>(out + "/summary.csv").value();
  REQUIRE(rows.size() == 6);
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].cell.seed == i / 2 + 1);
    CHECK(rows[i].cell.batch_size == (i % 2 == 0 ? 8 : 32));
  }
  const auto json = nlohmann::json::parse(ReadFile(out + "/run.json").value());
  CHECK(json["config"]["seeds"].dump() == "[1,2,3]");
  CheckRefused(Run(arguments + " --resume --seeds 4,5"),
               {"seeds", "was [1,2,3]", "now it is [4,5]"});
  CheckRefused(Run("run --seeds 4,5,4"), {"--seeds: 4 is named twice"});
}

TEST_CASE("the summary alone is printed, for machines, with --json", "[cli]") {
  const QuickRun quick;
  const Outcome outcome = Run(quick.arguments + " --json");
  const auto json = nlohmann::json::parse(outcome.out, nullptr, false);
  REQUIRE(json.is_object());
  CHECK(json["summary"].size() == 2);
  CHECK(json["summary"][0]["steps"] == 16);
  CHECK(json["advice"]["answers"].size() == 1);
  CHECK(json["advice"]["target"]["given"] == false);
}

TEST_CASE("a target that is given is the one that is answered for", "[cli]") {
  const QuickRun quick;
  const Outcome outcome = Run(quick.arguments + " --target-accuracy 1");
  CHECK(outcome.out.contains("validation accuracy 1"));
  const auto json =
      nlohmann::json::parse(ReadFile(quick.out + "/run.json").value());
  CHECK(json["advice"]["target"]["measure"] == "val_accuracy");
  CHECK(json["advice"]["target"]["given"] == true);
}

TEST_CASE("the same seed gives the same losses with one thread and two",
          "[cli][threads]") {
  std::vector<std::string> losses;
  for (const int threads : {1, 2}) {
    const QuickRun quick;
    const Outcome outcome =
        Run(std::format("{} --threads {}", quick.arguments, threads));
    if (outcome.err.contains("this process may use 1 of")) {
      SKIP("there is one core");
    }
    REQUIRE(outcome.exit_code == 0);
    auto& column = losses.emplace_back();
    const std::filesystem::path out = quick.out;
    for (const auto& step : ReadCsv<StepRecord>(out / "steps.csv").value()) {
      char text[64];
      column.append(text, WriteCsvValue(text, step.loss));
      column += '\n';
    }
    for (const auto& epoch : ReadCsv<EpochRecord>(out / "epochs.csv").value()) {
      char text[64];
      column.append(text, WriteCsvValue(text, epoch.val_loss));
      column += '\n';
    }
  }
  CHECK(losses[0] == losses[1]);
}

TEST_CASE("threads are a dimension of the sweep", "[cli][threads]") {
  const QuickRun quick;
  const Outcome outcome = Run(quick.arguments + " --threads 1,2");
  if (outcome.err.contains("this process may use 1 of")) {
    SKIP("there is one core");
  }
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out.contains("threads"));
  const std::filesystem::path out = quick.out;
  const auto rows = ReadCsv<SummaryRecord>(out / "summary.csv").value();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].cell.threads == 1);
  CHECK(rows[2].cell.threads == 2);
  CHECK(rows[0].final_val_loss == rows[2].final_val_loss);
  CHECK(rows[1].final_val_loss == rows[3].final_val_loss);
  for (const SummaryRecord& row : rows) {
    CHECK(row.learning_rate == 0.001f);
    // A disturbed measurement may leave no limit; one above is never left.
    CHECK(row.limit_fraction.value_or(0.5) <= 1.0);
    CHECK(row.limit_time_ns.has_value() == row.limit_fraction.has_value());
    if (!row.limit_time_ns) continue;
    CHECK(std::abs(*row.limit_fraction -
                   static_cast<double>(*row.limit_time_ns) /
                       static_cast<double>(row.step_time_median_ns.value())) <
          1e-3);
  }
  CheckRefused(Run("run --threads 1,1"), {"--threads", "twice"});
}

TEST_CASE("kernels tells who multiplies fastest", "[cli]") {
  const Outcome text = Run("kernels --model mlp --batch-sizes 1,8");
  INFO(text.out << text.err);
  REQUIRE(text.exit_code == 0);
  CHECK(text.out.contains("Batch size 8, 1 thread; XNNPACK computes "));
  for (const auto line : std::views::split(text.out, '\n')) {
    CHECK(std::ranges::distance(line) <= 80);
  }
  const Outcome json = Run("kernels --model mlp --batch-sizes 1,8 --json");
  REQUIRE(json.exit_code == 0);
  std::vector<KernelRecord> records;
  REQUIRE(FromJson(ParseJson(json.out), records));
  // The first layer's input wants no gradient.
  CHECK(records.size() == 2 * 5);
  for (const KernelRecord& record : records) {
    CHECK(record.xnnpack_time_ns.value() > 0);
    CHECK(record.own_time_ns.value() > 0);
  }
}

TEST_CASE("a run says who computed it, and another one repeats that", "[cli]") {
  const QuickRun quick;
  const std::filesystem::path out = quick.out;
  REQUIRE(Run(quick.arguments + " --kernels xnnpack").exit_code == 0);
  const auto kernels = ReadKernels(out / "run.json").value();
  CHECK(kernels.size() == 2 * 5);
  for (const KernelRecord& record : kernels) {
    CHECK(record.library == "xnnpack");
  }
  for (const auto& row : ReadCsv<SummaryRecord>(out / "summary.csv").value()) {
    CHECK(row.xnnpack_share == 1.0);
  }

  const QuickRun again;
  const Outcome outcome =
      Run(again.arguments + " --kernels " + (out / "run.json").string());
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.err.contains("100 % of the multiply-adds by XNNPACK"));
  const std::filesystem::path again_out = again.out;
  CHECK(ReadFile(again_out / "weights/batch_8_seed_1.safetensors").value() ==
        ReadFile(out / "weights/batch_8_seed_1.safetensors").value());

  // A run that is gone on with keeps them, and is measured no further.
  const QuickRun timed;
  const std::filesystem::path timed_out = timed.out;
  const std::string start = timed.common + " --batch-sizes 8 --epochs ";
  REQUIRE(Run(start + "1").exit_code == 0);
  const Json before = ToJson(ReadKernels(timed_out / "run.json").value());
  REQUIRE(Run(start + "2 --resume").exit_code == 0);
  CHECK(ToJson(ReadKernels(timed_out / "run.json").value()) == before);

  const QuickRun refused;
  CheckRefused(Run(refused.arguments + " --kernels nothing.json"),
               {"nothing.json"});
}

TEST_CASE("lean memory gives the same losses in a smaller arena",
          "[cli][memory]") {
  std::vector<SummaryRecord> rows;
  for (const char* memory : {"fast", "lean"}) {
    const QuickRun quick;
    const Outcome outcome = Run(std::format(
        "{} --model ds-cnn --batch-sizes 2 --steps 2 --kernels xnnpack "
        "--memory {}",
        quick.common, memory));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    rows.push_back(
        ReadCsv<SummaryRecord>(std::filesystem::path(quick.out) / "summary.csv")
            .value()
            .at(0));
  }
  CHECK(rows[0].final_val_loss == rows[1].final_val_loss);
  CHECK(rows[1].arena_bytes < rows[0].arena_bytes);
}

TEST_CASE("a model that rebuilds its input trains without labels or accuracy",
          "[cli][loss]") {
  const QuickRun quick;
  const Outcome outcome = Run(std::format(
      "{} --model autoencoder --batch-sizes 8 --steps 4", quick.common));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const std::filesystem::path out = quick.out;
  const auto steps = ReadCsv<StepRecord>(out / "steps.csv").value();
  REQUIRE(steps.size() == 4);
  for (const StepRecord& step : steps) CHECK_FALSE(step.accuracy.has_value());
  CheckRefused(Run("run --data synthetic --model cnn --loss "
                   "mean_squared_error --train-limit 32 --out " +
                   quick.out + "2"),
               {"mean squared error", "softmax"});
}

TEST_CASE("roofline measures products and updates", "[cli]") {
  const Outcome outcome = Run("roofline");
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.contains("256x256x256"));
  CHECK(outcome.out.contains("GB/s"));
}

TEST_CASE("plan, info and models tell without running", "[cli]") {
  const Outcome plan = Run("plan --data synthetic --batch-sizes 1,64");
  CHECK(plan.exit_code == 0);
  CHECK(plan.out.contains("arena, after sharing"));
  const Outcome layers = Run("plan --data synthetic --model cnn");
  CHECK(layers.out.contains("dense_1"));
  CHECK(layers.out.contains("692352"));  // weights of the first dense layer
  const Outcome info = Run("info");
  CHECK(info.exit_code == 0);
  CHECK(info.out.contains("temperature"));
  CHECK(info.out.contains("glibc"));
  CHECK_FALSE(nlohmann::json::parse(Run("info --json").out, nullptr, false)
                  .is_discarded());
  CHECK(Run("models").out.contains("mlp-wide"));
  CHECK_FALSE(nlohmann::json::parse(Run("models show mlp").out, nullptr, false)
                  .is_discarded());
  CheckRefused(Run("models show none"), {"none"});
}

TEST_CASE("flags that do not fit are refused by name", "[cli]") {
  CheckRefused(Run(""), {"subcommand"});
  CheckRefused(Run("run --batch 8"), {"--batch"});
  CheckRefused(Run("run --batch-sizes 0"), {"--batch-sizes"});
  CheckRefused(Run("run --batch-sizes 8,8"), {"--batch-sizes", "8"});
  CheckRefused(Run("run --epochs -1"), {"--epochs"});
  CheckRefused(Run("run --epochs 1 --steps 5"), {"--steps", "--epochs"});
  CheckRefused(Run("run --optimizer lion"), {"--optimizer", "rmsprop"});
  CheckRefused(Run("run --momentum 0.9"), {"--momentum", "sgd"});
  CheckRefused(Run("run --optimizer sgd --nesterov"), {"--nesterov"});
  CheckRefused(Run("run --weight-decay 0.1"), {"--weight-decay", "adamw"});
  CheckRefused(Run("run --lr 0"), {"--lr", "a number above 0"});
  CheckRefused(Run("run --lr-rule cube"), {"none, sqrt or linear", "cube"});
  CheckRefused(Run("run --loss mse"), {"--loss", "mean_squared_error"});
  CheckRefused(Run("run --threads 1000"), {"--threads 1000", "cores"});
}

TEST_CASE("numbers that are not finite or out of range are refused", "[cli]") {
  for (const char* flag :
       {"--lr nan",         "--lr inf",
        "--lr 1e-60",       "--lr 1e39",
        "--seconds inf",    "--soak inf",
        "--cool-to nan",    "--cool-to 1e9",
        "--momentum 1.5",   "--target-accuracy nan",
        "--epochs 1.5",     "--epochs 1e3",
        "--epochs 8x",      "--epochs 99999999999999999999",
        "--seeds 0",        "--seeds 1000000000",
        "--threads 1,,2",   "--memory-limit 9000000000000000000",
        "--sample-hz 5000", "--train-limit ''"}) {
    const std::string text = flag;
    CheckRefused(Run("run " + text),
                 {text.substr(0, text.find(' ')), "expected", " number"});
  }
  CheckRefused(Run("run --seeds 10000 --processes 1000"), {"30000000"});
}

TEST_CASE("a batch larger than the training set is refused", "[cli]") {
  const QuickRun quick;
  for (const char* command : {"run", "plan"}) {
    CheckRefused(Run(std::format("{} --data synthetic --train-limit 64 "
                                 "--batch-sizes 8,65",
                                 command)),
                 {"--batch-sizes 65", "64 training examples", "at most 64"});
  }
  CHECK(Run(quick.common + " --batch-sizes 64 --steps 1").exit_code == 0);
  CheckRefused(Run(quick.common + " --batch-sizes 65 --steps 1 --resume"),
               {"--batch-sizes 65"});
}

TEST_CASE("results hold the model that was trained, by its file's name",
          "[cli]") {
  const QuickRun quick;
  const std::string zoo = Run("models show mlp").out;
  REQUIRE(Run(quick.arguments).exit_code == 0);
  CHECK(ReadFile(quick.out + "/model.json").value() == zoo);

  const auto file = quick.folder.Write("my_net.json", "  " + zoo);
  const std::string out = quick.out + "2";
  const std::string own = std::format(
      "run --data synthetic --train-limit 64 --steps 1 --batch-sizes 8 "
      "--model {} --out {}",
      file.string(), out);
  REQUIRE(Run(own).exit_code == 0);
  CHECK(ReadFile(out + "/model.json").value() == "  " + zoo);
  const auto json = nlohmann::json::parse(ReadFile(out + "/run.json").value());
  CHECK(json["model"]["name"] == "my_net");
  CHECK(json["model"]["keras_name"] == "mlp");
}

TEST_CASE("a user's own model.json is not replaced by the run's", "[cli]") {
  const QuickRun quick;
  std::filesystem::create_directory(quick.out);
  const auto file = quick.folder.Write("results/model.json", "{}");
  CheckRefused(Run(quick.arguments), {file.string(), "--out"});
  CHECK(ReadFile(file).value() == "{}");
}

TEST_CASE("data that cannot be used is refused before training", "[cli]") {
  const TempDir folder;
  const std::string out = (folder.path() / "out").string();
  const std::string images = "train-images-idx3-ubyte";
  const std::string labels = "train-labels-idx1-ubyte";

  CheckRefused(Run("run --data /nowhere --out " + out), {"/nowhere"});
  {
    IdxFolder data;
    CHECK(Run(data.Arguments(out)).exit_code == 0);
    std::filesystem::remove_all(out);
    data.Write(images, ReadFile(data.path() / images)->substr(0, 5000));
    CheckRefused(Run(data.Arguments(out)), {images});
  }
  {
    IdxFolder data;
    std::filesystem::remove(data.path() / images);
    data.Write(images + ".gz", "\x1f\x8b not really");
    CheckRefused(Run(data.Arguments(out)), {images + ".gz"});
  }
  {
    IdxFolder data;
    data.Write(labels, BigEndian(0x801) + BigEndian(2) + "\1\2");
    CheckRefused(Run(data.Arguments(out)), {labels, "24", "2"});
  }
  {
    IdxFolder data;
    data.Write(labels, BigEndian(0x801) + BigEndian(24) + std::string(24, 10));
    CheckRefused(Run(data.Arguments(out)), {"10 classes", "11"});
  }
  {
    IdxFolder data;
    std::filesystem::remove(data.path() / "t10k-labels-idx1-ubyte");
    CheckRefused(Run(data.Arguments(out)), {"t10k-labels"});
  }
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("models and weights that cannot be used are refused", "[cli]") {
  const TempDir folder;
  const std::string common =
      " --data synthetic --out " + (folder.path() / "out").string();
  CheckRefused(Run("run --model none" + common), {"none", "mlp-wide"});
  const auto not_json = folder.Write("a.json", "{");
  CheckRefused(Run("run --model " + not_json.string() + common), {"a.json"});
  const auto conv = folder.Write("b.json", R"({"class_name": "Sequential",
      "config": {"name": "b", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 28, 28]}},
        {"class_name": "LSTM", "config": {"name": "lstm", "units": 3}}]}})");
  CheckRefused(Run("run --model " + conv.string() + common), {"lstm", "LSTM"});
  const auto wrong = folder.Write("c.json", R"({"class_name": "Sequential",
      "config": {"name": "c", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 20]}},
        {"class_name": "Dense", "config": {"units": 10,
         "activation": "softmax"}}]}})");
  const IdxFolder data;
  CheckRefused(Run(data.Arguments((folder.path() / "out").string()) +
                   " --model " + wrong.string()),
               {"c takes inputs of 20", "28x28x1"});
  const auto weights = folder.Write("w.safetensors", "12345678");
  CheckRefused(Run("run --init " + weights.string() + common),
               {"w.safetensors"});
  CheckRefused(Run("run --init /nowhere.safetensors" + common), {"/nowhere"});
}

TEST_CASE("a batch that memory has no room for is refused with one that fits",
          "[cli]") {
  const TempDir folder;
  const std::string out = (folder.path() / "out").string();
  CheckRefused(Run("run --data synthetic --batch-sizes 8,50000 "
                   "--memory-limit 150 --out " +
                   out),
               {"batch size 50000", "--memory-limit", "largest that fits"});
  CHECK_FALSE(std::filesystem::exists(out));
}

#ifndef BATCHSWEEP_SANITIZED  // whose address space is limited in no way
TEST_CASE("whatever memory is left, a run trains or says in one line why not",
          "[cli][memory]") {
  if (BATCHSWEEP_TEST_EMULATED) SKIP("the limit would be the emulator's");
  int trained = 0, refused = 0, failed = 0;
  // In steps of 4 MiB where it is close; the last has room enough.
  for (int mebibytes = 40; mebibytes <= 160; mebibytes += 4) {
    const QuickRun quick;
    const Outcome outcome =
        Run("run --data synthetic --train-limit 600 --val-limit 16 --model cnn "
            "--batch-sizes 512 --steps 1 --out " +
                quick.out,
            std::format("ulimit -v {};", mebibytes * 1024));
    INFO(mebibytes << " MiB: exit code " << outcome.exit_code << "\n"
                   << outcome.err);
    if (outcome.exit_code == 0) {
      ++trained;
      continue;
    }
    // What progress and warnings came before is no error.
    const size_t error_at = outcome.err.find("batchsweep: ");
    REQUIRE(error_at != std::string::npos);
    const std::string error = outcome.err.substr(error_at);
    CHECK(outcome.exit_code == 1);
    CHECK(std::ranges::count(error, '\n') == 1);
    if (!error.contains("ulimit -v leaves")) {
      CHECK(error.contains("choose a smaller"));
      ++failed;
      continue;
    }
    CHECK(error.contains("for the dataset"));
    CHECK(error.contains("for the program"));
    ++refused;
  }
  CHECK(trained > 5);
  CHECK(refused > 5);
  CHECK(failed <= 3);  // what no plan foresees: stacks, libraries
}
#endif

TEST_CASE("a folder that cannot take results is refused", "[cli]") {
  const QuickRun quick;
  const auto file = quick.folder.Write("file", "not a folder");
  CheckRefused(Run(quick.arguments + " --out " + file.string()), {"--out"});
  CheckRefused(
      Run(std::format("run --data synthetic --out {}/below", file.string())),
      {file.string()});
}

TEST_CASE("another run's results are not touched", "[cli]") {
  const QuickRun quick;
  REQUIRE(Run(quick.arguments).exit_code == 0);
  const std::filesystem::path steps = quick.out + "/steps.csv";
  const std::string before = ReadFile(steps).value();
  CheckRefused(Run(quick.arguments), {quick.out, "--resume"});
  CheckRefused(Run(quick.arguments + " --resume --seeds 2"),
               {"seeds", "was [1]", "now it is [1,2]"});
  CHECK(ReadFile(steps).value() == before);
  // Going on with a run that is complete changes nothing either.
  CHECK(Run(quick.arguments + " --resume").exit_code == 0);
  CHECK(ReadFile(steps).value() == before);
}

TEST_CASE("nothing can be resumed where nothing was run", "[cli]") {
  const QuickRun quick;
  CheckRefused(Run(quick.arguments + " --resume"), {"run.json"});
}

TEST_CASE("a full disk ends a run with one line and keeps whole rows",
          "[cli]") {
  const QuickRun quick;
  // 24 blocks of 512 bytes: run.json, and some epochs' rows but not all.
  const Outcome outcome = Run(quick.common + " --batch-sizes 8,32 --epochs 200",
                              "ulimit -f 24; trap '' XFSZ;");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err.contains("steps.csv"));
  const size_t error_at = outcome.err.find("batchsweep: ");
  CHECK(std::ranges::count(outcome.err.substr(error_at), '\n') == 1);
  const auto steps = ReadCsv<StepRecord>(quick.out + "/steps.csv");
  REQUIRE(steps);
  CHECK(steps->size() > 0);
}

TEST_CASE("Ctrl-C keeps what was recorded and --resume goes on", "[cli]") {
  const TempDir folder;
  const std::filesystem::path out = folder.path() / "results";
  // Enough not to be over before the interrupt comes.
  const size_t epochs = BATCHSWEEP_TEST_EMULATED ? 6 : 40;
  const std::string arguments = std::format(
      "run --data synthetic --train-limit 1000 --val-limit 100 --batch-sizes "
      "8,32 --seeds 1 --epochs {} --out {}",
      epochs, out.string());
  // Interrupted once the first epoch is on the disk, long before the last.
  const std::string script = std::format(
      "{0} {1} 2>{2}/err & "
      "until grep -q 'epoch 1 ' {2}/err 2>/dev/null; do sleep 0.01; done; "
      "kill -INT $!; wait $!",
      TestProgram(), arguments, folder.path().string());
  const int status = std::system(script.c_str());
  const std::string err = ReadFile(folder.path() / "err").value();
  INFO(err);
  CHECK(WEXITSTATUS(status) == 130);
  CHECK(err.contains("--resume"));
  const auto rows = ReadCsv<StepRecord>(out / "steps.csv");
  REQUIRE(rows);
  CHECK(rows->size() >= 125);
  CHECK(rows->size() < epochs * 125);
  const auto json = [&] {
    return nlohmann::json::parse(ReadFile(out / "run.json").value());
  };
  CHECK(json()["status"] == "interrupted");

  CHECK(Run(arguments + " --resume").exit_code == 0);
  CHECK(json()["status"] == "complete");
  const auto steps = ReadCsv<StepRecord>(out / "steps.csv").value();
  REQUIRE(steps.size() == epochs * (125 + 32));
  for (size_t i = 0; i < steps.size(); ++i) {
    const size_t in_cell = i < epochs * 125 ? i : i - epochs * 125;
    REQUIRE(steps[i].step == static_cast<int64_t>(in_cell) + 1);
  }
}

TEST_CASE("a run that diverges is recorded, marked and exits with 2", "[cli]") {
  const QuickRun quick;
  const Outcome outcome =
      Run(quick.common + " --optimizer sgd --lr 1e30 --batch-sizes 8");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err.contains("diverged"));
  const auto json =
      nlohmann::json::parse(ReadFile(quick.out + "/run.json").value());
  CHECK(json["status"] == "diverged");
  CHECK(json["warnings"].dump().contains("batch size 8 diverged"));
  CHECK(ReadCsv<StepRecord>(quick.out + "/steps.csv")->size() > 0);
}

TEST_CASE("what a cell that diverges at once cannot know is absent", "[cli]") {
  const QuickRun quick;
  // The loss of the first step is that of the first weights; those of the
  // second are not finite any more.
  const Outcome outcome =
      Run(quick.common +
          " --optimizer sgd --lr 1e38 --batch-sizes 8,32 --epochs 9 --json");
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == 2);
  const auto summary = nlohmann::json::parse(outcome.out)["summary"].at(0);
  const auto rows = ReadCsv<SummaryRecord>(quick.out + "/summary.csv").value();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].steps <= 2);
  CHECK(rows[0].steps >= 1);
  CHECK(rows[0].warmup_steps == rows[0].steps);
  for (const char* column :
       {"best_val_loss", "best_epoch", "final_val_loss", "test_loss",
        "step_time_median_ns", "step_time_median_low_ns",
        "step_time_median_high_ns", "step_time_mad_ns", "step_time_p5_ns",
        "step_time_p95_ns", "step_time_p99_ns", "clean_step_time_median_ns",
        "examples_per_second", "limit_time_ns", "limit_fraction"}) {
    INFO(column);
    CHECK(summary.at(column).is_null());
  }
  const std::string table = ReadFile(quick.out + "/summary.csv").value();
  for (const std::string& text : {table, outcome.out, outcome.err}) {
    CHECK_FALSE(text.contains("nan"));
    CHECK_FALSE(text.contains("inf"));
    CHECK_FALSE(text.contains(" 0 ns"));
  }
  const QuickRun plain;
  const Outcome told = Run(
      plain.common + " --optimizer sgd --lr 1e38 --batch-sizes 8 --epochs 9");
  INFO(told.out << told.err);
  for (const char* text : {"nan", "inf", " 0 ns"}) {
    CHECK_FALSE(
        told.out.substr(0, told.out.find("All figures")).contains(text));
    CHECK_FALSE(told.err.contains(text));
  }
}

TEST_CASE("a warning makes a run invalid under --require-clean", "[cli]") {
  const QuickRun quick;
  // Too few steps for any statistics.
  const std::string few = quick.common + " --steps 5 --batch-sizes 8";
  const Outcome strict = Run(few + " --require-clean");
  INFO(strict.err);
  CHECK(strict.exit_code == 2);
  CHECK(strict.err.contains("not clean: "));
  const auto json =
      nlohmann::json::parse(ReadFile(quick.out + "/run.json").value());
  CHECK(json["status"] == "complete");
  std::vector<std::string> names;
  for (const auto& warning : json["warnings"]) {
    names.push_back(warning["name"]);
    CHECK(strict.err.contains(warning["message"].get<std::string>()));
  }
  CHECK(std::ranges::contains(names, "few_steps"));
  const QuickRun lenient;
  CHECK(Run(lenient.common + " --steps 5 --batch-sizes 8").exit_code == 0);
}

TEST_CASE("several processes are one run with a row for each", "[cli]") {
  const QuickRun quick;
  const Outcome outcome = Run(quick.common +
                              " --epochs 2 --batch-sizes 8,16 --processes 3 "
                              "--order shuffled");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const auto rows = ReadCsv<SummaryRecord>(quick.out + "/summary.csv").value();
  REQUIRE(rows.size() == 6);
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].cell.process == static_cast<int>(i / 2) + 1);
  }
  CHECK(outcome.out.contains("Between processes:"));
  // The program began anew for each round, and said what it is once.
  CHECK(outcome.err.find("64 training") == outcome.err.rfind("64 training"));
  const auto json =
      nlohmann::json::parse(ReadFile(quick.out + "/run.json").value());
  CHECK(json["processes"].size() == 2);
  CHECK(json["processes"][0]["processes"] == 3);
  CHECK(json["status"] == "complete");
}

TEST_CASE("cores and temperatures that are not there are refused", "[cli]") {
  const QuickRun quick;
  CheckRefused(Run(quick.arguments + " --pin 4095"),
               {"--pin 4095", "those are 0"});
  CheckRefused(Run(quick.arguments + " --pin 0,0"), {"--pin", "twice"});
  if (!Run("info").out.contains("temperature  /")) {
    CheckRefused(Run(quick.arguments + " --cool-to 50"),
                 {"--cool-to", "temperature", "batchsweep info"});
  }
  CHECK(Run(quick.arguments + " --order random").exit_code == 1);
  CHECK(Run(quick.arguments + " --target-accuracy 2").exit_code == 1);
}

TEST_CASE("run.json says what measuring costs", "[cli]") {
  const QuickRun quick;
  REQUIRE(Run(quick.common + " --steps 3 --batch-sizes 8 --pin 0").exit_code ==
          0);
  const auto json =
      nlohmann::json::parse(ReadFile(quick.out + "/run.json").value());
  CHECK(json["clock"]["cost_ns"] > 0);
  CHECK(json["overhead"]["step_recording_ns"] > 0);
  CHECK(json["overhead"]["sensors_reading_ns"] > 0);
  CHECK(json["config"]["pin"].dump() == "[0]");
}

TEST_CASE("overhead compares steps with and without measuring", "[cli]") {
  if (BATCHSWEEP_TEST_EMULATED) SKIP("takes minutes under emulation");
  const Outcome outcome = Run("overhead --json");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const auto json = nlohmann::json::parse(outcome.out);
  CHECK(json["bare_step_ns"] > 0);
  CHECK(json["measured_step_ns"] > 0);
  CHECK(json["pairs"] == 60);
  CHECK(json["overhead_low"] <= json["overhead"]);
  CHECK(json["overhead"] <= json["overhead_high"]);
}

}  // namespace
}  // namespace batchsweep

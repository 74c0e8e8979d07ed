// Who computes: the rule, the trials, and that no choice changes results.
#include "sweep/kernel_choices.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "data/synthetic.h"
#include "graph/network.h"
#include "record/run_info.h"
#include "tests/fixtures.h"
#include "tests/reference.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

using reference::RandomFloats;

// A convolution with strides and one without, and two dense layers: every kind
// of product but depthwise ones, whose dx are wanted too.
ModelSpec SmallModel() {
  ModelSpec model{.name = "small", .input_shape = {{9, 8, 5}}, .layers = {}};
  model.layers.emplace_back(Conv2DSpec{.name = "front",
                                       .filters = 6,
                                       .kernel_size = {3, 3},
                                       .activation = Activation::kRelu});
  model.layers.emplace_back(Conv2DSpec{.name = "strided",
                                       .filters = 7,
                                       .kernel_size = {3, 3},
                                       .strides = {2, 2},
                                       .padding = Padding::kSame});
  model.layers.emplace_back(FlattenSpec{"flatten"});
  model.layers.emplace_back(DenseSpec{
      .name = "hidden", .units = 33, .activation = Activation::kRelu});
  model.layers.emplace_back(DenseSpec{
      .name = "classes", .units = 10, .activation = Activation::kSoftmax});
  return model;
}

SweepConfig SmallSweep() {
  return {.model = SmallModel(), .batch_sizes = {4, 12}, .threads = {1, 2}};
}

const KernelRecord& Find(const std::vector<KernelRecord>& records,
                         const std::string& layer,
                         const std::string& direction) {
  return *std::ranges::find_if(records, [&](const KernelRecord& record) {
    return record.layer == layer && record.direction == direction;
  });
}

TEST_CASE("XNNPACK computes unless ours is at least a tenth faster",
          "[kernel_choices]") {
  const auto fastest = [](int64_t xnnpack_ns, int64_t own_ns) {
    return FastestOf(std::vector<BodyTrial>{{Library::kXnnpack, xnnpack_ns},
                                            {Library::kOwn, own_ns}},
                     Library::kXnnpack);
  };
  CHECK(fastest(1000, 2000) == Library::kXnnpack);
  CHECK(fastest(1000, 901) == Library::kXnnpack);
  CHECK(fastest(1000, 900) == Library::kOwn);
  CHECK(FastestOf(std::vector<BodyTrial>{{Library::kXnnpack, 5}},
                  Library::kXnnpack) == Library::kXnnpack);
  CHECK(FastestOf(std::vector<BodyTrial>{{Library::kOwn, 5}},
                  Library::kXnnpack) == Library::kOwn);
}

TEST_CASE("where ours fuses the update, XNNPACK has to be a tenth faster",
          "[kernel_choices]") {
  const auto fastest = [](int64_t xnnpack_ns, int64_t own_ns) {
    return FastestOf(std::vector<BodyTrial>{{Library::kXnnpack, xnnpack_ns},
                                            {Library::kOwn, own_ns}},
                     Library::kOwn);
  };
  CHECK(fastest(2000, 1000) == Library::kOwn);
  CHECK(fastest(901, 1000) == Library::kOwn);
  CHECK(fastest(900, 1000) == Library::kXnnpack);
}

TEST_CASE("times decide nothing where bits differ", "[kernel_choices]") {
  CHECK(
      FastestOf(
          std::vector<BodyTrial>{
              {.library = Library::kXnnpack, .step_ns = 1, .equal_bits = false},
              {.library = Library::kOwn, .step_ns = 1000}},
          Library::kXnnpack) == Library::kOwn);
}

TEST_CASE("each product is tried for each batch size and number of threads",
          "[kernel_choices]") {
  TestEngine engine;
  const auto records = ChooseKernels(SmallSweep(), *engine.context().kernels,
                                     {}, LoneBodies::kTime);
  REQUIRE(records);
  // "front" and "strided" have two and three products, the dense ones three.
  constexpr size_t kProducts = 2 + 3 + 3 + 3;
  REQUIRE(records->size() == 4 * kProducts);
  for (const KernelRecord& record : *records) {
    INFO(record.layer << " " << record.direction);
    const bool has_both = record.equal_bits.has_value();
    CHECK(record.own_time_ns.has_value());
    CHECK(record.xnnpack_time_ns.has_value() == has_both);
    CHECK(has_both == (record.direction != "weight_grads" ||
                       record.layer == "hidden" || record.layer == "classes"));
    if (has_both && !*record.equal_bits) CHECK(record.library == "own");
  }
  CHECK(records->front().batch_size == 4);
  CHECK((*records)[kProducts].batch_size == 12);
  CHECK((*records)[2 * kProducts].threads == 2);
  // 7x6 outputs of 3x3 windows over 5 channels, 6 filters; 4x3 over 6, 7 of
  // them.
  CHECK(Find(*records, "front", "forward").multiply_adds == 7 * 6 * 45 * 6);
  CHECK(Find(*records, "strided", "input_grad").multiply_adds ==
        4 * 3 * 54 * 7);
  CHECK(Find(*records, "hidden", "weight_grads").multiply_adds == 84 * 33);
  const MultiplyAdds work = WorkOf(*records, 12, 2);
  CHECK(work.all ==
        2 * 7 * 6 * 45 * 6 + 3 * 4 * 3 * 54 * 7 + 3 * 84 * 33 + 3 * 33 * 10);
}

// The weights after some steps on made-up data, computed as `choices` say.
std::vector<float> TrainedBy(const NetworkChoices& choices) {
  TestEngine engine;
  ChosenKernels chooser(choices);
  ComputeContext context = engine.context();
  context.chooser = &chooser;
  Network network = MakeNetwork(SmallModel(), {.max_batch = 12}, context);
  Rng rng(3, 0);
  for (const int64_t batch : {12, 12, 12, 5}) {
    REQUIRE(network.SetBatch(batch));
    const auto x = RandomFloats(static_cast<size_t>(batch * 360), -1, 1, rng);
    std::ranges::copy(x, network.input());
    std::fill_n(network.labels(), batch, uint8_t{3});
    network.Forward({.training = true});
    network.ScoreOutputs();
    network.Backward();
    for (size_t i = 0; i < network.params().size(); ++i) {
      network.params()[i] -= 0.1f * network.grads()[i];
    }
    network.WeightsChanged();
  }
  return {network.params().begin(), network.params().end()};
}

TEST_CASE("opposite choices train to the same bits", "[kernel_choices]") {
  TestEngine engine;
  SweepConfig config = SmallSweep();
  config.batch_sizes = {12};
  config.threads = {1};
  // As many as the steps of TrainedBy() have.
  const std::vector<int64_t> other_batches = {5};
  const auto records = ChooseKernels(config, *engine.context().kernels,
                                     other_batches, LoneBodies::kSkip);
  REQUIRE(records);
  auto choices = ChoicesOf(*records);
  REQUIRE(choices);
  REQUIRE(choices->size() == 1);
  NetworkChoices ours = choices->front();
  NetworkChoices opposite = ours;
  size_t free = 0;
  for (size_t i = 0; i < records->size(); ++i) {
    if (!(*records)[i].equal_bits.value_or(false)) continue;
    ++free;
    ours.operations[i].library = Library::kOwn;
    opposite.operations[i].library = Library::kXnnpack;
  }
  INFO(free << " products have bodies of equal bits");
  CHECK(free > 0);
  CHECK((TrainedBy(ours) == TrainedBy(opposite)));
}

TEST_CASE("one library's kernels can be asked for", "[kernel_choices]") {
  TestEngine engine;
  SweepConfig config = SmallSweep();
  const auto choose = [&](KernelSelection::Kind kind) {
    config.kernels.kind = kind;
    return ChooseKernels(config, *engine.context().kernels, {},
                         LoneBodies::kSkip)
        .value();
  };
  for (const KernelRecord& record : choose(KernelSelection::Kind::kOwn)) {
    CHECK(record.library == "own");
    CHECK_FALSE(record.own_time_ns.has_value());
  }
  const auto xnnpack = choose(KernelSelection::Kind::kXnnpack);
  // It has no operator for a convolution's gradient by its kernel.
  for (const KernelRecord& record : xnnpack) {
    const bool lacks = record.direction == "weight_grads" &&
                       (record.layer == "front" || record.layer == "strided");
    CHECK(record.library == (lacks ? "own" : "xnnpack"));
  }
}

TEST_CASE("a run computes with what another one chose", "[kernel_choices]") {
  const TempDir dir;
  TestEngine engine;
  SweepConfig config = SmallSweep();
  config.kernels.kind = KernelSelection::Kind::kXnnpack;
  RunInfo info;
  info.kernels =
      ChooseKernels(config, *engine.context().kernels, {}, LoneBodies::kSkip)
          .value();
  // Unlike any that would be chosen.
  info.kernels[3].library = "own";
  REQUIRE(WriteRunInfo(dir.path() / "run.json", info));

  config.kernels = {.kind = KernelSelection::Kind::kFile,
                    .file = dir.path() / "run.json"};
  const auto choose = [&] {
    return ChooseKernels(config, *engine.context().kernels, {},
                         LoneBodies::kSkip);
  };
  const auto again = choose();
  REQUIRE(again);
  REQUIRE(again->size() == info.kernels.size());
  for (size_t i = 0; i < again->size(); ++i) {
    CHECK((*again)[i].library == info.kernels[i].library);
  }

  config.batch_sizes = {5};
  CHECK(choose().error().message.contains("batch size 5"));
  config.batch_sizes = {4};
  std::get<DenseSpec>(config.model.layers.back()).name = "other";
  CHECK(choose().error().message.contains("forward of layer \"other\""));
}

TEST_CASE("kernels that no program writes are refused", "[kernel_choices]") {
  CHECK_FALSE(ChoicesOf(std::vector<KernelRecord>{
      {.layer = "a", .direction = "sideways", .library = "own"}}));
  CHECK_FALSE(ChoicesOf(std::vector<KernelRecord>{
      {.layer = "a", .direction = "forward", .library = "abacus"}}));
}

TEST_CASE("a batch size without choices is planned with those before it",
          "[kernel_choices]") {
  const std::vector<NetworkChoices> choices = {
      {.batch_size = 8}, {.batch_size = 32}, {.batch_size = 32, .threads = 2}};
  CHECK(ChoicesFor({}, 8, 1) == nullptr);
  CHECK(ChoicesFor(choices, 32, 2) == &choices[2]);
  CHECK(ChoicesFor(choices, 40, 1)->batch_size == 32);
  CHECK(ChoicesFor(choices, 31, 1)->batch_size == 8);
  CHECK(ChoicesFor(choices, 4, 1)->batch_size == 8);
}

TEST_CASE("bits are compared on the batches left over too",
          "[kernel_choices]") {
  const DataSource source = MakeSynthetic({.example_shape = {{4}},
                                           .class_count = 2,
                                           .train_size = 21,
                                           .test_size = 16});
  const TrainingData data = Parts(source, 21, 16);
  const SweepConfig config = {.batch_sizes = {8, 5}};
  // 21 leaves 5 and 1, 16 leaves 0 and 1.
  CHECK(OtherBatches(config, data) == std::vector<int64_t>{5, 1});
}

}  // namespace
}  // namespace batchsweep

#include "model/keras_graph.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <format>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/keras_json.h"
#include "platform/file.h"
#include "tests/paths.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

// A layer of a functional model, connected as Keras 2 writes it.
std::string Layer(std::string_view class_name, std::string_view name,
                  std::string_view options, std::string_view inbound) {
  return std::format(
      R"({{"class_name": "{}", "name": "{}", "inbound_nodes": {},
           "config": {{"name": "{}"{}{}}}}})",
      class_name, name, inbound, name, options.empty() ? "" : ", ", options);
}

std::string Input(std::string_view name) {
  return Layer("InputLayer", name, R"("batch_shape": [null, 4])", "[]");
}

std::string Dense(std::string_view name, std::string_view inbound) {
  return Layer("Dense", name, R"("units": 4)", inbound);
}

// What reads the one layer `name`.
std::string Of(std::string_view name) {
  return std::format(R"([[["{}", 0, 0, {{}}]]])", name);
}

std::string Both(std::string_view a, std::string_view b) {
  return std::format(R"([[["{}", 0, 0, {{}}], ["{}", 0, 0, {{}}]]])", a, b);
}

std::string Functional(const std::vector<std::string>& layers,
                       std::string_view outputs = R"([["out", 0, 0]])") {
  std::string list;
  for (const std::string& layer : layers) {
    list += (list.empty() ? "" : ", ") + layer;
  }
  return std::format(R"({{"class_name": "Functional", "config": {{
      "name": "net", "layers": [{}], "input_layers": [["in", 0, 0]],
      "output_layers": {}}}}})",
                     list, outputs);
}

ModelSpec Parse(std::string_view json) {
  const Result<ModelSpec> model = ParseKerasJson(json, "net.json");
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return *model;
}

std::string Refusal(std::string_view json) {
  const Result<ModelSpec> model = ParseKerasJson(json, "net.json");
  REQUIRE(!model);
  return model.error().message;
}

TEST_CASE("a functional model of Keras 2 and of Keras 3 is the same",
          "[keras_graph]") {
  for (const char* name :
       {"functional_keras2.json", "functional_keras3.json"}) {
    INFO(name);
    const std::filesystem::path folder = TestData();
    const ModelSpec model = Parse(ReadFile(folder / name).value());
    CHECK(model.name == "net");
    CHECK(model.input_shape == Shape{{8, 8, 3}});
    REQUIRE(model.layers.size() >= 6);
    CHECK(LayerInputs(model, 0) == std::vector{kModelInput});  // conv
    CHECK(LayerInputs(model, 1) == std::vector{0});            // norm
    CHECK(LayerInputs(model, 2) == std::vector{0, 1});         // add
    CHECK(LayerInputs(model, 3) == std::vector{2, kModelInput});
    const std::vector<Shape> shapes = LayerOutputShapes(model);
    CHECK(shapes[2] == Shape{{8, 8, 4}});
    CHECK(shapes[3] == Shape{{8, 8, 7}});
    CHECK(shapes.back() == Shape{{3}});
    CHECK(std::get<Conv2DSpec>(model.layers[0]).kernel_l2 == 1e-4f);
    CHECK(ModelParams(model).size() == 8);
  }
}

TEST_CASE("a functional model that is a chain becomes one", "[keras_graph]") {
  const ModelSpec model = Parse(
      Functional({Input("in"), Dense("a", Of("in")), Dense("out", Of("a"))}));
  CHECK(model.inputs.empty());
  CHECK(LayerInputs(model, 0) == std::vector{kModelInput});
  CHECK(LayerInputs(model, 1) == std::vector{0});
}

TEST_CASE("layers are put behind those they read, the output last",
          "[keras_graph]") {
  const ModelSpec model = Parse(Functional(
      {Dense("out", Of("add")), Layer("Add", "add", "", Both("a", "b")),
       Dense("b", Of("a")), Dense("a", Of("in")), Input("in")}));
  REQUIRE(model.layers.size() == 4);
  CHECK(LayerName(model.layers[0]) == "a");
  CHECK(LayerName(model.layers[1]) == "b");
  CHECK(LayerName(model.layers[2]) == "add");
  CHECK(LayerName(model.layers[3]) == "out");
  CHECK(model.inputs == std::vector<std::vector<int>>{{-1}, {0}, {0, 1}, {2}});
}

TEST_CASE("one tensor may be read twice", "[keras_graph]") {
  const ModelSpec model =
      Parse(Functional({Input("in"), Layer("Add", "add", "", Both("in", "in")),
                        Dense("out", Of("add"))}));
  CHECK(model.inputs == std::vector<std::vector<int>>{{-1, -1}, {0}});
}

TEST_CASE("connections are read in every form that Keras writes",
          "[keras_graph]") {
  const std::string tensor = R"({"class_name": "__keras_tensor__", "config":
      {"shape": [null, 4], "keras_history": ["in", 0, 0]}})";
  for (const std::string& inbound :
       {Of("in"), std::string(R"([["in", 0, 0, {}]])"),
        std::string(R"([[["in", 0, 0]]])"),
        std::format(R"([{{"args": [{}], "kwargs": {{}}}}])", tensor),
        std::format(R"([{{"args": [[{}]], "kwargs": {{"mask": null,
                         "training": false}}}}])",
                    tensor)}) {
    for (const char* output : {R"([["out", 0, 0]])", R"(["out", 0, 0])"}) {
      CHECK(Parse(Functional({Input("in"), Dense("out", inbound)}, output))
                .layers.size() == 1);
    }
  }
}

TEST_CASE("the older name Model is read too", "[keras_graph]") {
  std::string json = Functional({Input("in"), Dense("out", Of("in"))});
  json.replace(json.find("Functional"), 10, "Model");
  CHECK(Parse(json).layers.size() == 1);
}

TEST_CASE("more or fewer than one input or output is refused",
          "[keras_graph]") {
  CHECK(Refusal(Functional({Input("in"), Input("in2"),
                            Layer("Add", "out", "", Both("in", "in2"))}))
            .contains("layer \"in2\" is a second InputLayer"));
  CHECK(Refusal(Functional({Dense("out", Of("out"))}))
            .contains("has no InputLayer"));
  const std::vector<std::string> layers = {Input("in"), Dense("a", Of("in")),
                                           Dense("out", Of("a"))};
  CHECK(Refusal(Functional(layers, R"([["out", 0, 0], ["a", 0, 0]])"))
            .contains("has 2 outputs"));
  CHECK(Refusal(Functional(layers, R"([["none", 0, 0]])"))
            .contains("output layer \"none\" is not in it"));
  CHECK(Refusal(Functional(layers, "null")).contains("output_layers"));
  CHECK(Refusal(Functional({Input("in")}, R"([["in", 0, 0]])"))
            .contains("no layers"));
}

TEST_CASE("a shared layer is refused by name", "[keras_graph]") {
  CHECK(Refusal(Functional(
                    {Input("in"),
                     Dense("a", R"([[["in", 0, 0, {}]], [["a", 0, 0, {}]]])"),
                     Dense("out", R"([[["a", 1, 0, {}]]])")}))
            .contains("layer \"a\" is shared"));
  CHECK(Refusal(Functional({Input("in"), Dense("a", Of("in")),
                            Dense("out", R"([[["a", 1, 0, {}]]])")}))
            .contains("layer \"out\": reads output [1, 0] of layer \"a\""));
}

TEST_CASE("a layer that nothing reads is refused by name", "[keras_graph]") {
  CHECK(Refusal(Functional({Input("in"), Dense("idle", Of("in")),
                            Dense("out", Of("in"))}))
            .contains("layer \"idle\" is read by no layer"));
  CHECK(Refusal(Functional({Input("in"), Dense("out", Of("in")),
                            Dense("behind", Of("out"))}))
            .contains("layer \"behind\" is read by no layer"));
}

TEST_CASE("connections that lead nowhere or in a circle are refused",
          "[keras_graph]") {
  CHECK(Refusal(Functional({Input("in"), Dense("out", Of("gone"))}))
            .contains("layer \"out\": reads layer \"gone\""));
  CHECK(Refusal(Functional({Input("in"), Dense("out", "[]")}))
            .contains("layer \"out\" reads no layer"));
  CHECK(Refusal(Functional({Input("in"), Dense("out", "[[]]")}))
            .contains("layer \"out\" reads no layer"));
  CHECK(Refusal(Functional({Input("in"), Dense("out", "7")}))
            .contains("inbound_nodes is 7"));
  CHECK(Refusal(Functional({Input("in"), Layer("Add", "a", "", Both("in", "b")),
                            Dense("b", Of("a")), Dense("out", Of("b"))}))
            .contains("layer \"a\" reads, by way of others, itself"));
  CHECK(Refusal(Functional({Input("in"), Dense("out", Of("in")),
                            Dense("out", Of("in"))}))
            .contains("two layers are named \"out\""));
}

TEST_CASE("a call with more than tensors is refused", "[keras_graph]") {
  const auto refusal = [](std::string_view inbound) {
    return Refusal(Functional({Input("in"), Dense("out", inbound)}));
  };
  CHECK(refusal(R"([[["in", 0, 0, {"training": true}]]])")
            .contains("layer \"out\": is called with training true"));
  CHECK(refusal(R"([[["in", 0, 0, {"training": false}]]])")
            .contains("training false"));
  CHECK(refusal(R"([[["in", 0, 0, {"y": 0.5}]]])").contains("\"y\" 0.5"));
  CHECK(refusal(R"([{"args": [], "kwargs": {"training": true}}])")
            .contains("\"training\" true"));
  CHECK(refusal(R"([{"args": [0.5], "kwargs": {}}])")
            .contains("layer \"out\": is called on 0.5"));
}

TEST_CASE("a merge of one tensor and a layer of two are refused",
          "[keras_graph]") {
  CHECK(Refusal(Functional({Input("in"), Layer("Add", "add", "", Of("in")),
                            Dense("out", Of("add"))}))
            .contains("layer \"add\" merges one input"));
  CHECK(Refusal(Functional({Input("in"), Dense("a", Of("in")),
                            Dense("out", Both("in", "a"))}))
            .contains("layer \"out\" (Dense) reads 2 layers"));
}

// A layer of a made-up model, and the layers that it reads by their places in
// the list.
struct Listed {
  std::string json;
  std::string name;
  std::vector<size_t> reads;
};

// The names in the order that passes over the list give, each of which takes
// the layers whose inputs were taken. Slow on purpose.
std::vector<std::string> OrderByPasses(const std::vector<Listed>& list) {
  std::vector<bool> placed(list.size());
  std::vector<std::string> names;
  for (size_t i = 0; i < list.size(); ++i) placed[i] = list[i].reads.empty();
  for (size_t pass = 0; pass < list.size(); ++pass) {
    for (size_t i = 0; i < list.size(); ++i) {
      const bool ready = std::ranges::all_of(
          list[i].reads, [&](size_t read) { return placed[read]; });
      if (placed[i] || !ready) continue;
      placed[i] = true;
      names.push_back(list[i].name);
    }
  }
  return names;
}

// A layer each that reads the one before it, or adds one further back, and then
// stands anywhere in the list.
std::vector<Listed> ShuffledModel(size_t size, Rng& rng) {
  std::vector<size_t> place(size);
  std::iota(place.begin(), place.end(), size_t{0});
  Shuffle(std::span(place), rng);
  std::vector<Listed> list(size);
  for (size_t i = 0; i < size; ++i) {
    const auto name = [&](size_t layer) {
      return layer + 1 == size ? "out"
             : layer == 0      ? "in"
                               : std::format("d{}", layer);
    };
    Listed& listed = list[place[i]];
    listed.name = name(i);
    if (i == 0) {
      listed.json = Input("in");
    } else if (i < 2 || i + 1 == size || rng.Below(2) == 0) {
      listed.json = Dense(name(i), Of(name(i - 1)));
      listed.reads = {place[i - 1]};
    } else {
      const auto other =
          static_cast<size_t>(rng.Below(static_cast<uint32_t>(i - 1)));
      listed.json = Layer("Add", name(i), "", Both(name(i - 1), name(other)));
      listed.reads = {place[i - 1], place[other]};
    }
  }
  return list;
}

TEST_CASE("layers in any order are put in that of passes over them",
          "[keras_graph]") {
  Rng rng(1, 0);
  for (size_t size = 3; size < 40; ++size) {
    const std::vector<Listed> list = ShuffledModel(size, rng);
    std::vector<std::string> layers;
    for (const Listed& listed : list) layers.push_back(listed.json);
    std::vector<std::string> names;
    for (const LayerSpec& layer : Parse(Functional(layers)).layers) {
      names.push_back(LayerName(layer));
    }
    CHECK(names == OrderByPasses(list));
  }
}

}  // namespace
}  // namespace batchsweep

#include "model/keras_json.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <filesystem>
#include <format>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/loss.h"
#include "model/zoo.h"
#include "platform/file.h"
#include "tests/paths.h"

namespace batchsweep {
namespace {

constexpr std::string_view kInput =
    R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 4]}})";
constexpr std::string_view kOutput =
    R"({"class_name": "Dense", "config":
        {"name": "out", "units": 3, "activation": "softmax"}})";

std::string Sequential(std::string_view layers) {
  return std::format(
      R"({{"class_name": "Sequential", "config":
          {{"name": "net", "layers": [{}]}}}})",
      layers);
}

// A model of 4 inputs, a Dense layer "hidden" with `options`, and 3 classes.
std::string WithHidden(std::string_view options) {
  return Sequential(std::format(
      R"({}, {{"class_name": "Dense", "config":
          {{"name": "hidden", "units": 5{}{}}}}}, {})",
      kInput, options.empty() ? "" : ", ", options, kOutput));
}

std::string WithInitializer(std::string_view initializer) {
  return WithHidden(std::format(R"("kernel_initializer": {})", initializer));
}

// `layer` between 4 inputs and 3 classes.
std::string WithLayer(std::string_view layer) {
  return Sequential(std::format("{}, {}, {}", kInput, layer, kOutput));
}

// `layer` and nothing behind it.
std::string EndingWith(std::string_view layers) {
  return Sequential(std::format("{}, {}", kInput, layers));
}

ModelSpec Parse(std::string_view json) {
  const Result<ModelSpec> model = ParseKerasJson(json, "net.json");
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return *model;
}

DenseSpec Hidden(std::string_view json) {
  return std::get<DenseSpec>(Parse(json).layers.at(0));
}

// What ParseKerasJson says, which must be one line that names the origin.
std::string Refusal(std::string_view json) {
  const Result<ModelSpec> model = ParseKerasJson(json, "net.json");
  REQUIRE(!model);
  const std::string message = model.error().message;
  CHECK(message.starts_with("net.json: "));
  CHECK(!message.contains('\n'));
  return message;
}

// Whether `message` has all of `parts` in it; shows the message if not.
bool Names(const std::string& message,
           std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    if (message.contains(part)) continue;
    UNSCOPED_INFO(message << " lacks " << part);
    return false;
  }
  return true;
}

struct Expected {
  std::string_view name;
  Shape input;
  Shape output;
  int64_t weights;  // model.count_params() of Keras 3
  int64_t untrained;
};

TEST_CASE("the zoo's models have the shapes and weights that Keras counts",
          "[keras_json][zoo]") {
  const std::vector<Expected> models = {
      {"mlp", {{28, 28}}, {{10}}, 50'890, 0},
      {"mlp-wide", {{28, 28}}, {{10}}, 669'706, 0},
      {"cnn", {{28, 28, 1}}, {{10}}, 693'962, 0},
      {"lenet5", {{28, 28, 1}}, {{10}}, 61'706, 0},
      {"resnet8", {{32, 32, 3}}, {{10}}, 78'666, 480},
      {"ds-cnn", {{49, 10, 1}}, {{12}}, 24'908, 1'152},
      {"mobilenet-v1-025", {{96, 96, 3}}, {{2}}, 221'794, 5'472},
      {"autoencoder", {{640}}, {{640}}, 269'992, 2'064},
  };
  REQUIRE(ZooModels().size() == models.size());
  for (const Expected& expected : models) {
    INFO(expected.name);
    const auto zoo = FindZooModel(expected.name);
    REQUIRE(zoo);
    const ModelSpec model = Parse(zoo->json);
    CHECK(model.name == expected.name);
    CHECK(model.input_shape == expected.input);
    CHECK(LayerOutputShapes(model).back() == expected.output);
    int64_t weights = 0;
    int64_t untrained = 0;
    for (const ParamSpec& param : ModelParams(model)) {
      weights += param.shape.elements();
      if (!param.trainable) untrained += param.shape.elements();
    }
    CHECK(weights == expected.weights);
    CHECK(untrained == expected.untrained);
  }
  CHECK(!FindZooModel("no such model"));
}

TEST_CASE("each zoo model ends as its loss wants it", "[keras_json][zoo]") {
  for (const ZooModel& zoo : ZooModels()) {
    INFO(zoo.name);
    const ModelSpec model = Parse(zoo.json);
    const bool targets = zoo.name == "autoencoder";
    CHECK(CheckEnd(model, Loss::kMeanSquaredError, "zoo").has_value() ==
          targets);
    CHECK(CheckEnd(model, Loss::kSparseCategoricalCrossentropy, "zoo"));
  }
}

TEST_CASE("zoo model resnet8 adds what passes by its stacks",
          "[keras_json][zoo]") {
  const ModelSpec model = Parse(FindZooModel("resnet8")->json);
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  int adds = 0;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    if (!std::holds_alternative<AddSpec>(model.layers[i])) continue;
    CHECK(LayerInputs(model, i).size() == 2);
    const int64_t side = 32 >> adds;
    CHECK(shapes[i] == Shape{{side, side, 16 << adds}});
    ++adds;
  }
  CHECK(adds == 3);

  const std::vector<ParamSpec> params = ModelParams(model);
  REQUIRE(params.size() == 48);
  const std::vector<std::string_view> first = {
      "conv2d/kernel",
      "conv2d/bias",
      "batch_normalization/gamma",
      "batch_normalization/beta",
      "batch_normalization/moving_mean",
      "batch_normalization/moving_variance",
      "conv2d_1/kernel"};
  for (size_t i = 0; i < first.size(); ++i) CHECK(params[i].name == first[i]);
  CHECK(params[0].shape == Shape{{3, 3, 3, 16}});
  CHECK(params[0].l2 == 1e-4f);
  CHECK(params[0].initializer.kind == Initializer::Kind::kHeNormal);
  CHECK(params[1].l2 == 0.0f);
}

TEST_CASE("zoo model mlp is 784-64-10", "[keras_json][zoo]") {
  const ModelSpec model = Parse(FindZooModel("mlp")->json);
  REQUIRE(model.layers.size() == 3);
  CHECK(LayerName(model.layers[0]) == "flatten");
  const auto& dense = std::get<DenseSpec>(model.layers[1]);
  CHECK(dense.name == "dense");
  CHECK(dense.activation == Activation::kRelu);
  CHECK(std::get<DenseSpec>(model.layers[2]).activation ==
        Activation::kSoftmax);

  const std::vector<ParamSpec> params = ModelParams(model);
  REQUIRE(params.size() == 4);
  CHECK(params[0].name == "dense/kernel");
  CHECK(params[0].shape == Shape{{784, 64}});
  CHECK(params[0].initializer.kind == Initializer::Kind::kGlorotUniform);
  CHECK(params[1].name == "dense/bias");
  CHECK(params[1].shape == Shape{{64}});
  CHECK(params[1].initializer.kind == Initializer::Kind::kZeros);
  CHECK(params[2].name == "dense_1/kernel");
  CHECK(params[3].shape == Shape{{10}});
}

TEST_CASE("a model as Keras 2 writes it parses", "[keras_json]") {
  const ModelSpec model = Parse(R"({
    "class_name": "Sequential",
    "config": {"name": "sequential_3", "layers": [
      {"class_name": "Dense", "config": {
        "name": "dense_7", "trainable": true, "dtype": "float32",
        "batch_input_shape": [null, 784], "units": 16, "activation": "tanh",
        "use_bias": false,
        "kernel_initializer": {"class_name": "VarianceScaling", "config":
          {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform",
           "seed": null}},
        "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": null, "activity_regularizer": null}},
      {"class_name": "Dense", "config": {"units": 10}},
      {"class_name": "Activation", "config": {"activation": "softmax"}}]},
    "keras_version": "2.2.4", "backend": "tensorflow"})");
  CHECK(model.name == "sequential_3");
  CHECK(model.input_shape == Shape{{784}});
  REQUIRE(model.layers.size() == 3);
  const auto& first = std::get<DenseSpec>(model.layers[0]);
  CHECK(first.name == "dense_7");
  CHECK(first.units == 16);
  CHECK(first.activation == Activation::kTanh);
  CHECK(!first.use_bias);
  CHECK(first.kernel_initializer.kind == Initializer::Kind::kGlorotUniform);
  CHECK(std::get<ActivationSpec>(model.layers[2]).activation ==
        Activation::kSoftmax);
  CHECK(ModelParams(model).size() == 3);
}

TEST_CASE("Keras 2.0's plain list of layers parses", "[keras_json]") {
  const ModelSpec model = Parse(R"({"class_name": "Sequential", "config": [
    {"class_name": "Flatten", "config": {"batch_input_shape": [null, 2, 3]}},
    {"class_name": "Dense", "config": {"units": 4}}]})");
  CHECK(model.name == "sequential");
  CHECK(model.input_shape == Shape{{2, 3}});
  CHECK(LayerOutputShapes(model) == std::vector<Shape>{{{6}}, {{4}}});
}

TEST_CASE("layers without a name get Keras' default names", "[keras_json]") {
  const ModelSpec model = Parse(Sequential(R"(
    {"class_name": "Dense",
     "config": {"units": 4, "batch_input_shape": [null, 3]}},
    {"class_name": "Dense", "config": {"units": 4, "name": null}},
    {"class_name": "Activation", "config": {"activation": "relu"}},
    {"class_name": "Dense", "config": {"units": 4}})"));
  CHECK(LayerName(model.layers[0]) == "dense");
  CHECK(LayerName(model.layers[1]) == "dense_1");
  CHECK(LayerName(model.layers[2]) == "activation");
  CHECK(LayerName(model.layers[3]) == "dense_2");
}

TEST_CASE("the input shape is found wherever Keras writes it", "[keras_json]") {
  const std::string dense =
      R"({"class_name": "Dense", "config": {"units": 4}})";
  for (const std::string_view input :
       {R"({"batch_shape": [null, 7]})", R"({"batch_input_shape": [null, 7]})",
        R"({"batch_shape": [32, 7]})",
        R"({"batch_input_shape":
            {"class_name": "TensorShape", "items": [null, 7]}})"}) {
    const ModelSpec model = Parse(Sequential(std::format(
        R"({{"class_name": "InputLayer", "config": {}}}, {})", input, dense)));
    CHECK(model.input_shape == Shape{{7}});
  }
  CHECK(Parse(R"({"class_name": "Sequential", "config": {
              "build_input_shape": [32, 7], "layers": [)" +
              dense + "]}}")
            .input_shape == Shape{{7}});
}

TEST_CASE("an activation is read from its name or from an object",
          "[keras_json]") {
  const auto activation = [](std::string_view json) {
    return Hidden(WithHidden(std::format(R"("activation": {})", json)))
        .activation;
  };
  CHECK(Hidden(WithHidden("")).activation == Activation::kLinear);
  CHECK(activation("null") == Activation::kLinear);
  CHECK(activation(R"("linear")") == Activation::kLinear);
  CHECK(activation(R"("relu")") == Activation::kRelu);
  CHECK(activation(R"("relu6")") == Activation::kRelu6);
  CHECK(activation(R"("tanh")") == Activation::kTanh);
  CHECK(activation(R"("sigmoid")") == Activation::kSigmoid);
  CHECK(activation(R"({"module": "keras.activations",
                       "class_name": "function", "config": "relu",
                       "registered_name": "relu"})") == Activation::kRelu);
  CHECK(activation(R"({"class_name": "Activation",
                       "config": {"activation": "sigmoid"}})") ==
        Activation::kSigmoid);
}

TEST_CASE("an initialiser is read from either spelling or an object",
          "[keras_json]") {
  using enum Initializer::Kind;
  const auto kind = [](std::string_view json) {
    return Hidden(WithInitializer(json)).kernel_initializer.kind;
  };
  CHECK(kind("null") == kGlorotUniform);
  CHECK(kind(R"("glorot_uniform")") == kGlorotUniform);
  CHECK(kind(R"("GlorotNormal")") == kGlorotNormal);
  CHECK(kind(R"("he_uniform")") == kHeUniform);
  CHECK(kind(R"("HeNormal")") == kHeNormal);
  CHECK(kind(R"("zeros")") == kZeros);
  CHECK(kind(R"("Ones")") == kOnes);
  CHECK(kind(R"({"module": "keras.initializers", "class_name": "HeNormal",
                 "config": {"seed": 7}, "registered_name": null})") ==
        kHeNormal);
  const Initializer constant =
      Hidden(WithInitializer(
                 R"({"class_name": "Constant", "config": {"value": 0.25}})"))
          .kernel_initializer;
  CHECK(constant.kind == kConstant);
  CHECK(constant.value == 0.25f);
  CHECK(Hidden(WithHidden(R"("bias_initializer": "ones")"))
            .bias_initializer.kind == kOnes);
  CHECK(kind(R"("lecun_uniform")") == kLecunUniform);
  CHECK(kind(R"({"class_name": "LecunNormal", "config": {"seed": null,
                 "input_axes": null, "output_axes": null}})") == kLecunNormal);
}

TEST_CASE("an initialiser's own range is read", "[keras_json]") {
  using enum Initializer::Kind;
  const auto read = [](std::string_view json) {
    return Hidden(WithInitializer(json)).kernel_initializer;
  };
  const Initializer uniform = read(R"({"class_name": "RandomUniform", "config":
      {"minval": -0.5, "maxval": 1.5, "seed": 3}})");
  CHECK(uniform.kind == kRandomUniform);
  CHECK(uniform.low == -0.5f);
  CHECK(uniform.high == 1.5f);
  for (const std::string_view name : {"RandomNormal", "TruncatedNormal"}) {
    const Initializer normal = read(std::format(
        R"({{"class_name": "{}", "config": {{"mean": 1.0, "stddev": 0.25}}}})",
        name));
    CHECK(normal.kind ==
          (name == "RandomNormal" ? kRandomNormal : kTruncatedNormal));
    CHECK(normal.mean == 1.0f);
    CHECK(normal.deviation == 0.25f);
  }
  CHECK(read(R"("random_normal")").deviation == 0.05f);
  CHECK(read(R"("random_uniform")").low == -0.05f);
  CHECK(Names(Refusal(WithInitializer(R"({"class_name": "RandomNormal",
              "config": {"stddev": "wide"}})")),
              {"\"hidden\"", "kernel_initializer", "stddev", "wide"}));
}

TEST_CASE("a VarianceScaling that equals a known initialiser is that one",
          "[keras_json]") {
  using enum Initializer::Kind;
  const auto scaling = [](double scale, std::string_view mode,
                          std::string_view distribution) {
    return WithInitializer(
        std::format(R"({{"class_name": "VarianceScaling", "config":
          {{"scale": {}, "mode": "{}", "distribution": "{}", "seed": null}}}})",
                    scale, mode, distribution));
  };
  const auto kind = [](const std::string& json) {
    return Hidden(json).kernel_initializer.kind;
  };
  CHECK(kind(scaling(1, "fan_avg", "uniform")) == kGlorotUniform);
  CHECK(kind(scaling(1, "fan_avg", "normal")) == kGlorotNormal);
  CHECK(kind(scaling(2, "fan_in", "uniform")) == kHeUniform);
  CHECK(kind(scaling(2, "fan_in", "truncated_normal")) == kHeNormal);
  CHECK(kind(scaling(1, "fan_in", "uniform")) == kLecunUniform);
  CHECK(kind(scaling(1, "fan_in", "normal")) == kLecunNormal);
  for (const std::string& other :
       {scaling(3, "fan_in", "uniform"), scaling(2, "fan_avg", "uniform"),
        scaling(1.5, "fan_avg", "uniform"),
        scaling(1, "fan_avg", "untruncated_normal")}) {
    CHECK(Names(Refusal(other),
                {"\"hidden\"", "kernel_initializer", "VarianceScaling"}));
  }
}

TEST_CASE("options that change nothing are passed over", "[keras_json]") {
  CHECK(Hidden(WithHidden(R"("trainable": true, "dtype": {"module": "keras",
    "class_name": "DTypePolicy", "config": {"name": "float32"},
    "registered_name": null}, "lora_rank": null, "quantization_config": null,
    "an_option_to_come": false, "another": null)"))
            .units == 5);
}

TEST_CASE("text that is no JSON is refused with the place", "[keras_json]") {
  CHECK(Names(Refusal("{\n  \"class_name\": x"), {"not JSON", "line 2"}));
  CHECK(Names(Refusal(""), {"not JSON", "line 1"}));
  CHECK(Names(Refusal("{\"a\": \"\xff\"}"), {"not JSON"}));
  CHECK(Names(Refusal("{\"a\": 1e999}"), {"not JSON", "1e999"}));
}

TEST_CASE("JSON that is no Keras model is refused", "[keras_json]") {
  CHECK(Names(Refusal("[]"), {"a list", "to_json"}));
  CHECK(Names(Refusal(R"("{}")"), {"inside a JSON string"}));
  CHECK(Names(Refusal("{}"), {"class_name"}));
  CHECK(Names(Refusal(R"({"class_name": "Sequential", "config": {}})"),
              {"no layers"}));
  CHECK(Names(Refusal(Sequential("")), {"layers", "at least one"}));
  CHECK(Names(Refusal(Sequential("7")), {"layers[0]", "7"}));
  CHECK(Names(Refusal(Sequential(R"({"class_name": "Dense"})")),
              {"layers[0]", "config"}));
  CHECK(Names(Refusal(Sequential(R"({"class_name": "Dense", "config":
                                     {"name": "a\nb"}})")),
              {"layers[0]", "name", R"("a\nb")"}));
  CHECK(Names(Refusal(Sequential(R"({"class_name": "Dense", "config":
                                     {"name": 3}})")),
              {"layers[0]", "name is 3"}));
  CHECK(Names(Refusal(Sequential(kInput)), {"no layers"}));
}

TEST_CASE("a model that is neither Sequential nor functional is refused",
          "[keras_json]") {
  CHECK(Names(Refusal(R"({"class_name": "MyModel", "config": {}})"),
              {"MyModel", "Sequential and functional"}));
}

TEST_CASE("a layer that is not trained here is refused by name",
          "[keras_json]") {
  CHECK(Names(Refusal(WithLayer(
                  R"({"class_name": "Conv1D", "config": {"name": "c1"}})")),
              {"\"c1\"", "is a Conv1D", "Activation, Add, AveragePooling2D",
               "Conv2D, Dense"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "LSTM", "config": {}})")),
              {"\"lstm\"", "LSTM"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "Dense", "config":
              {"name": "d", "units": 3}, "registered_name": "my>Dense"})")),
              {"\"d\"", "custom class", "my>Dense"}));
  CHECK(Names(Refusal(WithLayer(kInput)), {"InputLayer", "first"}));
}

TEST_CASE("an activation that is not trained here is refused by name",
          "[keras_json]") {
  CHECK(Names(Refusal(WithHidden(R"("activation": "gelu")")),
              {"\"hidden\"", "activation", "gelu"}));
  CHECK(Names(Refusal(WithHidden(R"("activation": "leaky_relu")")),
              {"\"hidden\"", "leaky_relu", "LeakyReLU"}));
  CHECK(Names(Refusal(WithHidden(R"("activation":
              {"class_name": "ReLU", "config": {"max_value": 6}})")),
              {"\"hidden\"", "activation", "ReLU"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "Activation", "config":
              {"name": "act", "activation": "selu"}})")),
              {"\"act\"", "activation", "selu"}));
}

TEST_CASE("an option that would change the result is refused by name",
          "[keras_json]") {
  for (const std::string_view option :
       {"bias_regularizer", "activity_regularizer", "kernel_constraint",
        "bias_constraint", "quantization_config", "an_option_to_come"}) {
    const std::string json = WithHidden(std::format(
        R"("{}": {{"class_name": "L2", "config": {{"l2": 0.01}}}})", option));
    CHECK(Names(Refusal(json), {"\"hidden\"", option, "L2"}));
  }
  CHECK(Names(Refusal(WithHidden(R"("lora_rank": 4)")),
              {"\"hidden\"", "lora_rank", "4"}));
  CHECK(Names(Refusal(Sequential(R"({"class_name": "InputLayer", "config":
              {"name": "in", "batch_shape": [null, 4], "sparse": true}})")),
              {"\"in\"", "sparse"}));
}

TEST_CASE("a dtype other than float32 is refused", "[keras_json]") {
  CHECK(Names(Refusal(WithHidden(R"("dtype": "float16")")),
              {"\"hidden\"", "dtype", "float16"}));
  CHECK(Names(Refusal(WithHidden(R"("dtype": {"class_name": "DTypePolicy",
              "config": {"name": "mixed_bfloat16"}})")),
              {"\"hidden\"", "dtype", "mixed_bfloat16"}));
  CHECK(Names(Refusal(WithHidden(R"("dtype": {"class_name":
              "QuantizedDTypePolicy", "config": {"mode": "int8"}})")),
              {"\"hidden\"", "dtype", "QuantizedDTypePolicy"}));
  CHECK(Names(Refusal(R"({"class_name": "Sequential", "config":
              {"dtype": "mixed_float16", "layers": [{}]}})"),
              {"model", "dtype", "mixed_float16"}));
}

TEST_CASE("a frozen layer is refused", "[keras_json]") {
  CHECK(Names(Refusal(WithHidden(R"("trainable": false)")),
              {"\"hidden\"", "trainable"}));
  CHECK(Names(Refusal(WithHidden(R"("trainable": "no")")),
              {"\"hidden\"", "trainable", "no"}));
}

TEST_CASE("options of the wrong kind are refused by name", "[keras_json]") {
  for (const std::string_view units : {"0", "-1", "2.5", "\"5\"", "null",
                                       "16777217", "18446744073709551615"}) {
    const std::string json = Sequential(std::format(
        R"({}, {{"class_name": "Dense", "config": {{"name": "hidden",
            "units": {}}}}})",
        kInput, units));
    CHECK(Names(Refusal(json), {"\"hidden\"", "units"}));
  }
  CHECK(Names(Refusal(WithHidden(R"("use_bias": 1)")),
              {"\"hidden\"", "use_bias", "1"}));
  CHECK(Names(Refusal(WithHidden(R"("bias_initializer": "orthogonal")")),
              {"\"hidden\"", "bias_initializer", "orthogonal"}));
  CHECK(Names(Refusal(WithInitializer(R"([1])")),
              {"\"hidden\"", "kernel_initializer", "a list"}));
  CHECK(Names(Refusal(WithInitializer(R"({"class_name": "Constant",
              "config": {"value": 1e300}})")),
              {"\"hidden\"", "kernel_initializer", "value"}));
  CHECK(Names(Refusal(WithInitializer(R"({"class_name": "HeNormal",
              "config": {"gain": 2}})")),
              {"\"hidden\"", "kernel_initializer", "gain"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "Flatten", "config":
              {"name": "f", "data_format": "channels_first"}})")),
              {"\"f\"", "data_format", "channels_first"}));
}

TEST_CASE("an input shape that is missing or open is refused", "[keras_json]") {
  const auto refusal = [](std::string_view shape) {
    return Refusal(Sequential(std::format(
        R"({{"class_name": "InputLayer", "config":
            {{"name": "in", "batch_shape": {}}}}}, {})",
        shape, kOutput)));
  };
  CHECK(Names(refusal("[null, null]"), {"\"in\"", "batch_shape", "null"}));
  CHECK(Names(refusal("[null, 0]"), {"\"in\"", "batch_shape", "0"}));
  CHECK(Names(refusal("[null]"), {"\"in\"", "batch_shape", "list of 1"}));
  CHECK(Names(refusal("[null, 1, 2, 3, 4]"), {"batch_shape", "list of 5"}));
  CHECK(Names(refusal("[null, 16777216, 2]"), {"batch_shape", "16777216"}));
  CHECK(Names(refusal("784"), {"\"in\"", "batch_shape", "784"}));
  CHECK(Names(refusal("null"), {"\"in\"", "no input shape"}));
  CHECK(Names(Refusal(Sequential(kOutput)), {"\"out\"", "no input shape"}));
}

TEST_CASE("a Dense on an image is refused and pointed to Flatten",
          "[keras_json]") {
  CHECK(Names(Refusal(Sequential(R"({"class_name": "Dense", "config":
              {"name": "d", "units": 3, "batch_input_shape":
               [null, 28, 28]}})")),
              {"\"d\"", "28x28", "Flatten"}));
}

TEST_CASE("more weights than any board holds are refused", "[keras_json]") {
  CHECK(Names(Refusal(Sequential(R"({"class_name": "Dense", "config":
              {"name": "d", "units": 16777216, "batch_input_shape":
               [null, 16777216]}})")),
              {"d/kernel", "weights"}));
}

TEST_CASE("a window beyond any use is refused", "[keras_json]") {
  const auto refusal = [](std::string_view options) {
    return Refusal(Sequential(std::format(
        R"({{"class_name": "Conv2D", "config": {{"name": "c", "filters": 8,
            "batch_input_shape": [null, 4096, 4096, 1], {}}}}},
            {{"class_name": "Flatten", "config": {{}}}}, {})",
        options, kOutput)));
  };
  for (const char* key : {"strides", "dilation_rate"}) {
    for (const char* size : {"[4097, 1]", "[1, 4097]", "0", "-1", "1e18"}) {
      INFO(key << size);
      CHECK(Names(
          refusal(std::format(R"("kernel_size": 1, "{}": {})", key, size)),
          {"\"c\"", key, "from 1 to 4096"}));
    }
  }
  CHECK(Names(refusal(R"("kernel_size": [20001, 20001])"),
              {"\"c\"", "kernel_size", "from 1 to 4096"}));
  CHECK(Names(refusal(R"("kernel_size": 64, "padding": "same")"),
              {"\"c\"", "reads 64x64 values at each of 4096x4096 places"}));
}

TEST_CASE("a model of more layers than any has is refused", "[keras_json]") {
  std::string layers = R"({"class_name": "Dense", "config":
      {"units": 1, "batch_input_shape": [null, 1]}})";
  const std::string more =
      R"(, {"class_name": "Dense", "config": {"units": 1}})";
  for (int i = 1; i < 10'000; ++i) layers += more;
  CHECK(ParseKerasJson(Sequential(layers), "net.json"));
  CHECK(Names(Refusal(Sequential(layers + more)),
              {"has 10001 layers", "at most 10000"}));
}

TEST_CASE("JSON that is larger or deeper than a model's is refused",
          "[keras_json]") {
  CHECK(Names(Refusal(std::string(16 * 1024 * 1024 + 1, ' ')),
              {"has 16777217 bytes", "at most 16777216"}));
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(Names(Refusal(nested(100'000)),
              {"has lists and objects 100000 deep", "at most 100"}));
  CHECK(!Refusal(nested(100)).contains("deep"));
  // Brackets in a string are no lists.
  CHECK(!Refusal("\"\\\"" + std::string(1000, '[') + "\"").contains("deep"));
}

TEST_CASE("two layers of one name are refused", "[keras_json]") {
  CHECK(Names(Refusal(WithLayer(kOutput)), {"two layers", "\"out\""}));
}

TEST_CASE("softmax is refused anywhere but last", "[keras_json]") {
  CHECK(Names(Refusal(WithHidden(R"("activation": "softmax")")),
              {"\"hidden\"", "softmax"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "Activation", "config":
              {"name": "act", "activation": "softmax"}})")),
              {"\"act\"", "softmax"}));
}

TEST_CASE("a model without weights is refused", "[keras_json]") {
  CHECK(Names(Refusal(EndingWith(
                  R"({"class_name": "Flatten", "config": {"name": "f"}})")),
              {"no weights"}));
}

// A parse of what a mistake made of a valid model: a model or an error.
void CheckSurvives(const std::string& json) {
  const Result<ModelSpec> model = ParseKerasJson(json, "net.json");
  if (model) {
    CHECK(!ModelParams(*model).empty());
    CHECK(LayerOutputShapes(*model).size() == model->layers.size());
  } else {
    CHECK(model.error().message.starts_with("net.json: "));
    CHECK(!model.error().message.contains('\n'));
  }
}

// Every value inside `node` in turn: gone, and of other kinds and sizes.
void Mutate(nlohmann::json& root, nlohmann::json& node) {
  const nlohmann::json whole = node;
  for (const auto& [key, value] : whole.items()) {
    if (node.is_object()) {
      node.erase(key);
      CheckSurvives(root.dump());
      node = whole;
    }
    nlohmann::json& place =
        node.is_object() ? node[key] : node[std::stoul(key)];
    for (const char* other :
         {"null", "true", "-1", "0", "16777216", "18446744073709551615", "0.5",
          "\"same\"", "[]", "{}", "[[1, 2], [3]]"}) {
      place = nlohmann::json::parse(other);
      CheckSurvives(root.dump());
    }
    place = value;
    if (value.is_structured()) Mutate(root, place);
  }
}

std::string ReadTestData(const char* name) {
  return ReadFile(TestData() / name).value();
}

TEST_CASE("a functional model cut off anywhere is refused", "[keras_json]") {
  const std::string whole = ReadTestData("functional_keras3.json");
  REQUIRE(ParseKerasJson(whole, "net.json"));
  for (size_t size = 0; size + 2 < whole.size(); ++size) {
    CHECK(!ParseKerasJson(whole.substr(0, size), "net.json"));
  }
}

TEST_CASE("a functional model with any value gone or wrong does no harm",
          "[keras_json]") {
  for (const char* name :
       {"functional_keras2.json", "functional_keras3.json"}) {
    nlohmann::json root = nlohmann::json::parse(ReadTestData(name));
    Mutate(root, root);
  }
}

}  // namespace
}  // namespace batchsweep

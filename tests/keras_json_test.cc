#include "model/keras_json.h"

#include <catch2/catch_test_macros.hpp>
#include <format>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/zoo.h"

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

TEST_CASE("the zoo's models parse to the networks of their names",
          "[keras_json][zoo]") {
  REQUIRE(ZooModels().size() == 2);
  for (const ZooModel& zoo : ZooModels()) {
    const ModelSpec model = Parse(zoo.json);
    CHECK(model.name == zoo.name);
    CHECK(model.input_shape == Shape{{28, 28}});
    CHECK(LayerOutputShapes(model).back() == Shape{{10}});
  }
  CHECK(!FindZooModel("no such model"));
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
  for (const std::string& other :
       {scaling(1, "fan_in", "uniform"), scaling(2, "fan_avg", "uniform"),
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

TEST_CASE("a functional model is refused", "[keras_json]") {
  CHECK(Names(Refusal(R"({"class_name": "Functional", "config": {}})"),
              {"Functional", "Sequential"}));
}

TEST_CASE("a layer that is not trained here is refused by name",
          "[keras_json]") {
  CHECK(Names(Refusal(WithLayer(
                  R"({"class_name": "Conv2D", "config": {"name": "c1"}})")),
              {"\"c1\"", "Conv2D", "Dense, Flatten and Activation"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "Dropout", "config": {}})")),
              {"\"dropout\"", "Dropout"}));
  CHECK(Names(Refusal(WithLayer(R"({"class_name": "Dense", "config":
              {"name": "d", "units": 3}, "registered_name": "my>Dense"})")),
              {"\"d\"", "custom class", "my>Dense"}));
  CHECK(Names(Refusal(WithLayer(kInput)), {"InputLayer", "first"}));
}

TEST_CASE("an activation that is not trained here is refused by name",
          "[keras_json]") {
  CHECK(Names(Refusal(WithHidden(R"("activation": "gelu")")),
              {"\"hidden\"", "activation", "gelu"}));
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
       {"kernel_regularizer", "bias_regularizer", "activity_regularizer",
        "kernel_constraint", "bias_constraint", "quantization_config",
        "an_option_to_come"}) {
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

TEST_CASE("a model ends in one score for each class", "[keras_json]") {
  const auto dense = [](int units, std::string_view activation) {
    return std::format(R"({{"class_name": "Dense", "config": {{"name": "d",
        "units": {}, "activation": "{}"}}}})",
                       units, activation);
  };
  const auto activation = [](std::string_view name) {
    return std::format(R"(, {{"class_name": "Activation", "config":
        {{"name": "act", "activation": "{}"}}}})",
                       name);
  };
  CHECK(Parse(EndingWith(dense(2, "linear"))).layers.size() == 1);
  CHECK(Parse(EndingWith(dense(2, "softmax"))).layers.size() == 1);
  CHECK(Parse(EndingWith(dense(2, "linear") + activation("softmax")))
            .layers.size() == 2);

  CHECK(Names(Refusal(EndingWith(dense(1, "linear"))), {"\"d\"", "units"}));
  CHECK(Names(Refusal(EndingWith(dense(3, "relu"))), {"\"d\"", "scores"}));
  CHECK(Names(Refusal(EndingWith(dense(3, "relu") + activation("softmax"))),
              {"\"act\"", "scores"}));
  CHECK(Names(Refusal(EndingWith(dense(3, "linear") + activation("tanh"))),
              {"\"act\"", "scores"}));
  CHECK(Names(Refusal(EndingWith(
                  R"({"class_name": "Flatten", "config": {"name": "f"}})")),
              {"\"f\"", "scores"}));
  CHECK(Names(Refusal(EndingWith(
                  R"({"class_name": "Activation", "config":
                      {"name": "act", "activation": "softmax"}})")),
              {"\"act\"", "scores"}));
}

}  // namespace
}  // namespace batchsweep

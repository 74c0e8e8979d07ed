#include "model/keras_initializer.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "model/keras_value.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;
using Kind = Initializer::Kind;

// Keras' VarianceScaling, which older versions write for the initialisers made
// from it. Its "normal" has been the truncated one all along.
std::optional<Kind> VarianceScalingKind(float scale, std::string_view mode,
                                        std::string_view distribution) {
  const bool uniform = distribution == "uniform";
  if (!uniform && distribution != "normal" &&
      distribution != "truncated_normal") {
    return std::nullopt;
  }
  if (scale == 1.0f && mode == "fan_avg") {
    return uniform ? Kind::kGlorotUniform : Kind::kGlorotNormal;
  }
  if (scale == 2.0f && mode == "fan_in") {
    return uniform ? Kind::kHeUniform : Kind::kHeNormal;
  }
  if (scale == 1.0f && mode == "fan_in") {
    return uniform ? Kind::kLecunUniform : Kind::kLecunNormal;
  }
  return std::nullopt;
}

Result<Initializer> ReadVarianceScaling(const KerasOptions& options, Kind) {
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"scale", "mode", "distribution", "seed", "dtype"}));
  ASSIGN_OR_RETURN(const float scale, ReadNumber(options, "scale", 1.0f));
  const auto kind =
      VarianceScalingKind(scale, StringAt(options.config, "mode"),
                          StringAt(options.config, "distribution"));
  if (kind) return Initializer{.kind = *kind};
  return Fail(
      "{} is a VarianceScaling that is neither Glorot's (scale 1, fan_avg), "
      "He's (scale 2, fan_in) nor LeCun's (scale 1, fan_in); use one of them",
      options.owner);
}

Result<Initializer> ReadConstant(const KerasOptions& options, Kind kind) {
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"value", "dtype"}));
  Initializer initializer = {.kind = kind};
  ASSIGN_OR_RETURN(initializer.value, ReadNumber(options, "value", 0.0f));
  return initializer;
}

Result<Initializer> ReadNormal(const KerasOptions& options, Kind kind) {
  RETURN_IF_ERROR(
      RefuseOtherOptions(options, {"mean", "stddev", "seed", "dtype"}));
  Initializer initializer = {.kind = kind};
  ASSIGN_OR_RETURN(initializer.mean, ReadNumber(options, "mean", 0.0f));
  ASSIGN_OR_RETURN(initializer.deviation,
                   ReadNumber(options, "stddev", initializer.deviation));
  return initializer;
}

Result<Initializer> ReadUniform(const KerasOptions& options, Kind kind) {
  RETURN_IF_ERROR(
      RefuseOtherOptions(options, {"minval", "maxval", "seed", "dtype"}));
  Initializer initializer = {.kind = kind};
  ASSIGN_OR_RETURN(initializer.low,
                   ReadNumber(options, "minval", initializer.low));
  ASSIGN_OR_RETURN(initializer.high,
                   ReadNumber(options, "maxval", initializer.high));
  return initializer;
}

// An initialiser that has no options but a seed.
Result<Initializer> ReadPlain(const KerasOptions& options, Kind kind) {
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"seed", "dtype"}));
  return Initializer{.kind = kind};
}

// A name as FoldName() leaves it, and what reads the options behind it.
struct Reader {
  std::string_view name;
  Result<Initializer> (*read)(const KerasOptions& options, Kind kind);
  Kind kind = Kind::kZeros;
};

constexpr Reader kReaders[] = {
    {"zeros", ReadPlain, Kind::kZeros},
    {"zero", ReadPlain, Kind::kZeros},
    {"ones", ReadPlain, Kind::kOnes},
    {"one", ReadPlain, Kind::kOnes},
    {"constant", ReadConstant, Kind::kConstant},
    {"glorotuniform", ReadPlain, Kind::kGlorotUniform},
    {"glorotnormal", ReadPlain, Kind::kGlorotNormal},
    {"heuniform", ReadPlain, Kind::kHeUniform},
    {"henormal", ReadPlain, Kind::kHeNormal},
    {"lecununiform", ReadPlain, Kind::kLecunUniform},
    {"lecunnormal", ReadPlain, Kind::kLecunNormal},
    {"randomuniform", ReadUniform, Kind::kRandomUniform},
    {"randomnormal", ReadNormal, Kind::kRandomNormal},
    {"truncatednormal", ReadNormal, Kind::kTruncatedNormal},
    // Its options, not its name, say which kind it is.
    {"variancescaling", ReadVarianceScaling},
};

}  // namespace

Result<Initializer> ReadInitializer(const KerasOptions& options,
                                    const char* key,
                                    const Initializer& fallback) {
  static const Json kNoConfig = Json::object();
  const Json& value = Field(options.config, key);
  if (value.is_null()) return fallback;
  const Json& config = Field(value, "config");
  const KerasOptions inner{std::format("{}: {}", options.owner, key),
                           config.is_object() ? config : kNoConfig};
  const std::string name =
      FoldName(value.is_string() ? value.get_ref<const std::string&>()
                                 : StringAt(value, "class_name"));
  const auto* reader =
      std::ranges::find(kReaders, std::string_view(name), &Reader::name);
  if (reader == std::end(kReaders)) {
    return Fail(
        "{} {} is not one batchsweep draws; use zeros, ones, constant, "
        "random_uniform, random_normal, truncated_normal, or _uniform or "
        "_normal of glorot, he or lecun",
        inner.owner, Describe(value));
  }
  return reader->read(inner, reader->kind);
}

}  // namespace batchsweep

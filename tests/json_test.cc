#include "record/json.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace batchsweep {
namespace {

enum class Colour { kRed, kBlue };
constexpr const char* NameOf(Colour colour) {
  return colour == Colour::kRed ? "red" : "blue";
}

struct Point {
  int64_t x = 0;
  std::optional<double> height;

  static constexpr auto Fields() {
    return FieldList<&Point::x, &Point::height>();
  }
};

struct Everything {
  std::string name;
  bool yes = false;
  uint64_t seed = 0;
  double loss = 0.0;
  float rate = 0.0f;
  std::vector<Point> points;
  std::optional<Point> last;

  static constexpr auto Fields() {
    using E = Everything;
    return FieldList<&E::name, &E::yes, &E::seed, &E::loss, &E::rate,
                     &E::points, &E::last>();
  }
};

const Everything kFull = {.name = "a",
                          .yes = true,
                          .seed = 18'446'744'073'709'551'615u,
                          .loss = 1.0 / 3.0,
                          .rate = 0.001f,
                          .points = {{.x = -1, .height = 2.5}, {.x = 3}},
                          .last = Point{.x = 4}};

TEST_CASE("a struct is an object of its fields, what is absent is null",
          "[json]") {
  CHECK(ToJson(kFull).dump() ==
        R"({"name":"a","yes":true,"seed":18446744073709551615,)"
        R"("loss":0.3333333333333333,"rate":0.001,)"
        R"("points":[{"x":-1,"height":2.5},{"x":3,"height":null}],)"
        R"("last":{"x":4,"height":null}})");
  CHECK(ToJson(Everything()).at("last").is_null());
  CHECK(ToJson(Colour::kBlue) == "blue");
}

TEST_CASE("what was written as JSON reads back the same", "[json]") {
  Everything read = {.points = {{}}};
  REQUIRE(FromJson(Json::parse(ToJson(kFull).dump()), read));
  CHECK(ToJson(read) == ToJson(kFull));
  CHECK(read.loss == kFull.loss);
  CHECK(read.rate == kFull.rate);
  CHECK(read.seed == kFull.seed);
  REQUIRE(FromJson(ToJson(Everything()), read));
  CHECK_FALSE(read.last);
  CHECK(read.points.empty());
}

TEST_CASE("a number that is not finite reads back as NaN", "[json]") {
  const Everything wild = {.loss = std::nan("")};
  Everything read;
  REQUIRE(FromJson(Json::parse(ToJson(wild).dump()), read));
  CHECK(std::isnan(read.loss));
}

TEST_CASE("JSON of another kind, or without a field, does not read", "[json]") {
  const Json full = ToJson(kFull);
  Everything read;
  for (const auto& [name, value] : full.items()) {
    Json lacking = full;
    lacking.erase(name);
    CHECK_FALSE(FromJson(lacking, read));
    Json other = full;
    other[name] = Json::array({Json::array()});
    INFO(name);
    CHECK_FALSE(FromJson(other, read));
  }
  Json text = full;
  text["seed"] = "1";
  CHECK_FALSE(FromJson(text, read));
  text["seed"] = 1.5;
  CHECK_FALSE(FromJson(text, read));
  text["seed"] = nullptr;
  CHECK_FALSE(FromJson(text, read));
  CHECK_FALSE(FromJson(Json(), read));
  CHECK_FALSE(FromJson(Json::array(), read));
}

}  // namespace
}  // namespace batchsweep

#include "util/fields.h"

#include <catch2/catch_test_macros.hpp>
#include <optional>
#include <string>
#include <vector>

namespace batchsweep {
namespace {

struct Inner {
  int64_t left = 0;
  std::optional<double> right;

  static constexpr auto Fields() {
    using I = Inner;
    return FieldList<&I::left, &I::right>();
  }
};

struct Outer {
  int first = 0;
  Inner inner;
  std::vector<std::string> names;

  static constexpr auto Fields() {
    using O = Outer;
    return FieldList<&O::first, &O::inner, &O::names>();
  }
};

// As a struct of platform/ would be.
struct Foreign {
  int64_t size_bytes = 0;
};
constexpr auto FieldsOf(const Foreign*) {
  return FieldList<&Foreign::size_bytes>();
}

TEST_CASE("fields are visited in order by their own names", "[fields]") {
  Outer outer = {.first = 7};
  std::vector<std::string> names;
  ForEachField(outer, [&](std::string_view name, auto& field) {
    names.emplace_back(name);
    if constexpr (requires { field = 8; }) field = 8;
  });
  CHECK(names == std::vector<std::string>{"first", "inner", "names"});
  CHECK(outer.first == 8);
  const Foreign foreign;
  ForEachField(foreign, [&](std::string_view name, const auto&) {
    CHECK(name == "size_bytes");
  });
}

TEST_CASE("columns of a nested struct stand in its place", "[fields]") {
  std::vector<std::string> names;
  const Outer outer;
  ForEachColumn(outer, [&](std::string_view name, const auto&) {
    names.emplace_back(name);
  });
  CHECK(names == std::vector<std::string>{"first", "left", "right", "names"});
  STATIC_CHECK(ColumnCount<Inner>() == 2);
}

TEST_CASE("a list must name every member, in order", "[fields]") {
  using I = Inner;
  using O = Outer;
  STATIC_CHECK(ListsAllMembers<I>(FieldList<&I::left, &I::right>()));
  STATIC_CHECK_FALSE(ListsAllMembers<I>(FieldList<&I::left>()));
  STATIC_CHECK_FALSE(ListsAllMembers<I>(FieldList<&I::right>()));
  STATIC_CHECK_FALSE(ListsAllMembers<I>(FieldList<&I::right, &I::left>()));
  STATIC_CHECK_FALSE(ListsAllMembers<O>(FieldList<&O::first, &O::names>()));
  STATIC_CHECK_FALSE(ListsAllMembers<O>(FieldList<&O::first, &O::inner>()));
  STATIC_CHECK_FALSE(
      ListsAllMembers<O>(FieldList<&O::first, &O::names, &O::inner>()));
}

}  // namespace
}  // namespace batchsweep

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

struct Group {
  int low = 0;
  int high = 0;

  static constexpr auto Fields() {
    using G = Group;
    return GroupList<&G::low, &G::high>();
  }
};

struct Outer {
  int first = 0;
  Inner inner;
  Group group;
  std::vector<std::string> names;
  bool elsewhere = false;

  static constexpr auto Fields() {
    using O = Outer;
    return FieldList<&O::first, &O::inner, &O::group, &O::names,
                     kLeftOut<&O::elsewhere>>();
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
  // A group's fields stand in its place; what is left out is not visited.
  CHECK(names ==
        std::vector<std::string>{"first", "inner", "low", "high", "names"});
  CHECK(outer.first == 8);
  CHECK(outer.group.high == 8);
  CHECK_FALSE(outer.elsewhere);
  STATIC_CHECK(FieldCount<Group>() == 2);
}

TEST_CASE("a struct that knows nothing of fields gets a list beside it",
          "[fields]") {
  const Foreign foreign = {.size_bytes = 5};
  ForEachField(foreign, [&](std::string_view name, const auto& field) {
    CHECK(name == "size_bytes");
    CHECK(field == 5);
  });
}

TEST_CASE("a list must name every member, in order", "[fields]") {
  using I = Inner;
  using O = Outer;
  STATIC_CHECK(ListsAllMembers<I>(FieldList<&I::left, &I::right>()));
  STATIC_CHECK_FALSE(ListsAllMembers<I>(FieldList<&I::left>()));
  STATIC_CHECK_FALSE(ListsAllMembers<I>(FieldList<&I::right>()));
  STATIC_CHECK_FALSE(ListsAllMembers<I>(FieldList<&I::right, &I::left>()));
  STATIC_CHECK_FALSE(ListsAllMembers<O>(
      FieldList<&O::first, &O::inner, &O::group, &O::names>()));
  STATIC_CHECK_FALSE(ListsAllMembers<O>(
      FieldList<&O::first, &O::group, &O::names, kLeftOut<&O::elsewhere>>()));
  STATIC_CHECK_FALSE(ListsAllMembers<O>(
      FieldList<&O::first, &O::inner, &O::names, kLeftOut<&O::elsewhere>>()));
  STATIC_CHECK_FALSE(
      ListsAllMembers<O>(FieldList<&O::first, &O::group, &O::inner, &O::names,
                                   kLeftOut<&O::elsewhere>>()));
}

}  // namespace
}  // namespace batchsweep

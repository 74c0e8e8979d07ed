// Fields: what a struct says of its own members, once, so that everything that
// goes through them (CSV, JSON, checkpoints) comes from one list.
//
//   struct Point {
//     int64_t x = 0;
//     std::optional<double> height_meters;
//
//     static constexpr auto Fields() {
//       using P = Point;
//       return FieldList<&P::x, &P::height_meters>();
//     }
//   };
//
// Names are the members' own. A list that leaves out a member, or has them in
// another order than the struct, does not compile. A struct that cannot include
// this header gets a free function beside its reader instead:
// `constexpr auto FieldsOf(const Point*)`.
#ifndef BATCHSWEEP_UTIL_FIELDS_H_
#define BATCHSWEEP_UTIL_FIELDS_H_

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace batchsweep {

template <auto... kMembers>
struct FieldList {};

template <auto... kFirst, auto... kThen>
constexpr FieldList<kFirst..., kThen...> operator+(FieldList<kFirst...>,
                                                   FieldList<kThen...>) {
  return {};
}

template <class Struct>
  requires requires { Struct::Fields(); }
constexpr auto FieldsOf(const Struct*) {
  return Struct::Fields();
}

template <class Type>
concept HasFields = requires(const Type* type) { FieldsOf(type); };

// "height_meters" of &Point::height_meters. The language has no such question
// yet; Clang and GCC end the name of this function with "&Point::x]".
template <auto kMember>
consteval std::string_view FieldName() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_suffix(1);
  return name.substr(name.rfind(':') + 1);
}

// Whether a Struct is made of just these types, in this order: it can be made
// from one value of each, and takes no further one.
template <class Struct, class... Members>
concept HasJustMembers = requires { Struct{std::declval<Members>()...}; } &&
                         !requires { Struct{std::declval<Members>()..., {}}; };

template <class Struct, auto... kMembers>
consteval bool ListsAllMembers(FieldList<kMembers...>) {
  return HasJustMembers<
      Struct,
      std::remove_cvref_t<decltype(std::declval<Struct>().*kMembers)>...>;
}

// Calls `visit(name, member)` for each member of `value`, in their order.
template <class Struct, class Visit>
constexpr void ForEachField(Struct& value, const Visit& visit) {
  using Plain = std::remove_const_t<Struct>;
  constexpr auto kList = FieldsOf(static_cast<const Plain*>(nullptr));
  static_assert(ListsAllMembers<Plain>(kList),
                "a list of fields must name every member, in order");
  [&]<auto... kMembers>(FieldList<kMembers...>) {
    (..., visit(FieldName<kMembers>(), value.*kMembers));
  }(kList);
}

// The same for a row of a table: members that are structs with fields of their
// own stand for these, in their place.
template <class Struct, class Visit>
constexpr void ForEachColumn(Struct& value, const Visit& visit) {
  ForEachField(value, [&](std::string_view name, auto& field) {
    if constexpr (HasFields<std::remove_cvref_t<decltype(field)>>) {
      ForEachColumn(field, visit);
    } else {
      visit(name, field);
    }
  });
}

template <class Struct>
consteval size_t ColumnCount() {
  const Struct value;
  size_t count = 0;
  ForEachColumn(value, [&](std::string_view, const auto&) { ++count; });
  return count;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_UTIL_FIELDS_H_

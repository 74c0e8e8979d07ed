// Fields: what a struct says of its own members, once, so that everything that
// goes through them (CSV, JSON, checkpoints) comes from one list:
//   struct Point {
//     int64_t x = 0;
//     std::optional<double> height_meters;
//
//     static constexpr auto Fields() {
//       using P = Point;
//       return FieldList<&P::x, &P::height_meters>();
//     }
//   };
// Names are the members' own. A list that leaves out a member does not compile,
// nor does one in another order than the struct's, unless it only exchanges
// members of one type. A struct that cannot include this header gets a free
// `constexpr auto FieldsOf(const Point*)` instead.
#ifndef BATCHSWEEP_UTIL_FIELDS_H_
#define BATCHSWEEP_UTIL_FIELDS_H_

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace batchsweep {

template <auto... kMembers>
struct FieldList {};

// The list of a group: where a struct has it as a member, its fields stand in
// place of that member, in a table's row as in a JSON object.
template <auto... kMembers>
struct GroupList {};

// In a list, for a member that is kept elsewhere: kLeftOut<&Point::name>.
template <auto kMember>
struct LeftOutField {};
template <auto kMember>
inline constexpr LeftOutField<kMember> kLeftOut;

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

template <class Struct, class Member>
Member MemberType(Member Struct::*);
template <auto kMember>
auto MemberType(LeftOutField<kMember>) -> decltype(MemberType(kMember));

template <class Struct, template <auto...> class List, auto... kMembers>
consteval bool ListsAllMembers(List<kMembers...>) {
  return HasJustMembers<Struct, decltype(MemberType(kMembers))...>;
}

template <class Type>
inline constexpr bool kIsGroup = false;
template <auto... kMembers>
inline constexpr bool kIsGroup<GroupList<kMembers...>> = true;

template <class Type>
concept IsGroup =
    HasFields<Type> &&
    kIsGroup<decltype(FieldsOf(static_cast<const Type*>(nullptr)))>;

template <class Struct, class Visit>
constexpr void ForEachField(Struct& value, const Visit& visit);

template <auto kMember, class Struct, class Visit>
constexpr void VisitMember(Struct& value, const Visit& visit) {
  if constexpr (std::is_member_pointer_v<decltype(kMember)>) {
    if constexpr (IsGroup<decltype(MemberType(kMember))>) {
      ForEachField(value.*kMember, visit);
    } else {
      visit(FieldName<kMember>(), value.*kMember);
    }
  }
}

// Calls `visit(name, member)` for each member of `value`, in their order.
template <class Struct, class Visit>
constexpr void ForEachField(Struct& value, const Visit& visit) {
  using Plain = std::remove_const_t<Struct>;
  constexpr auto kList = FieldsOf(static_cast<const Plain*>(nullptr));
  static_assert(ListsAllMembers<Plain>(kList),
                "a list of fields must name every member, in order");
  [&]<template <auto...> class List, auto... kMembers>(List<kMembers...>) {
    (..., VisitMember<kMembers>(value, visit));
  }(kList);
}

template <class Struct>
consteval size_t FieldCount() {
  const Struct value;
  size_t count = 0;
  ForEachField(value, [&](std::string_view, const auto&) { ++count; });
  return count;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_UTIL_FIELDS_H_

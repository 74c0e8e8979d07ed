// The names of an enum's values, from one place.
//
// Beside an enum stands `constexpr const char* NameOf(E value)`: a switch
// without a default, so that a value without a name fails to compile, and
// `return nullptr` behind it, which ends the list of values. Reading, listing
// and writing all come from that.
// REQUIRES: the enum's values count from 0.
#ifndef BATCHSWEEP_UTIL_ENUM_NAMES_H_
#define BATCHSWEEP_UTIL_ENUM_NAMES_H_

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace batchsweep {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  { NameOf(value) } -> std::same_as<const char*>;
};

// All values, in their order.
template <NamedEnum E>
constexpr std::vector<E> EnumValues() {
  std::vector<E> values;
  for (int i = 0; NameOf(static_cast<E>(i)) != nullptr; ++i) {
    values.push_back(static_cast<E>(i));
  }
  return values;
}

// Absent if no value has that name.
template <NamedEnum E>
constexpr std::optional<E> ParseEnum(std::string_view name) {
  for (const E value : EnumValues<E>()) {
    if (name == NameOf(value)) return value;
  }
  return std::nullopt;
}

// The names of all values, in the order of these.
template <NamedEnum E>
std::vector<std::string> EnumNames() {
  std::vector<std::string> names;
  for (const E value : EnumValues<E>()) names.emplace_back(NameOf(value));
  return names;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_UTIL_ENUM_NAMES_H_

// From readings to the columns of a row: the entries of a struct's list, each a
// column with the rule beside it, see BoardState.
#ifndef BATCHSWEEP_MEASURE_MERGED_COLUMNS_H_
#define BATCHSWEEP_MEASURE_MERGED_COLUMNS_H_

#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>

#include "measure/merge_rules.h"
#include "measure/reading.h"
#include "util/fields.h"

namespace batchsweep {

inline const SensorReading& PartOf(const Reading& reading,
                                   std::type_identity<SensorReading>) {
  return reading.sensors;
}
inline const ProcessMemory& PartOf(const Reading& reading,
                                   std::type_identity<ProcessMemory>) {
  return reading.memory;
}

template <class Part, class Value>
Part PartOfMember(std::optional<Value> Part::*);
template <class Part, class Value>
Value ValueOfMember(std::optional<Value> Part::*);

// An entry of a struct's list of columns: kColumn is a member of the struct,
// kRead is the member of SensorReading or ProcessMemory that it comes from.
template <auto kRead, auto kColumn, template <class> class Rule>
class Merged {
 public:
  using Part = decltype(PartOfMember(kRead));
  using Columns = GroupList<kColumn>;
  template <class Of>
  using ReadsOf = std::conditional_t<std::is_same_v<Part, Of>, GroupList<kRead>,
                                     GroupList<>>;

  void Add(const Reading& reading, int64_t shared_ns) {
    rule_.Add(PartOf(reading, std::type_identity<Part>()).*kRead, shared_ns);
  }
  void WriteTo(auto& row) const { row.*kColumn = rule_.merged(); }

 private:
  Rule<decltype(ValueOfMember(kRead))> rule_;
};

// An entry for a column that is computed from others.
template <auto kColumn>
struct Computed {
  using Columns = GroupList<kColumn>;
  template <class Of>
  using ReadsOf = GroupList<>;

  void Add(const Reading&, int64_t) {}
  void WriteTo(auto&) const {}
};

// An entry for what is read but is no column of a step.
template <auto kRead>
struct NoColumn {
  using Columns = GroupList<>;
  template <class Of>
  using ReadsOf =
      std::conditional_t<std::is_same_v<decltype(PartOfMember(kRead)), Of>,
                         GroupList<kRead>, GroupList<>>;

  void Add(const Reading&, int64_t) {}
  void WriteTo(auto&) const {}
};

template <auto... kFirst, auto... kThen>
constexpr GroupList<kFirst..., kThen...> operator+(GroupList<kFirst...>,
                                                   GroupList<kThen...>) {
  return {};
}

template <class... Entries>
struct MergedColumns {
  // Of the struct that has the list.
  static constexpr auto Columns() {
    return (GroupList<>() + ... + typename Entries::Columns());
  }
  // The members of Part, a struct of a Reading, that entries read.
  template <class Part>
  static constexpr auto ReadsOf() {
    return (GroupList<>() + ... + typename Entries::template ReadsOf<Part>());
  }

  void Add(const Reading& reading, int64_t shared_ns) {
    std::apply(
        [&](auto&... entries) { (..., entries.Add(reading, shared_ns)); },
        entries_);
  }
  void WriteTo(auto& row) const {
    std::apply([&](const auto&... entries) { (..., entries.WriteTo(row)); },
               entries_);
  }

 private:
  std::tuple<Entries...> entries_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_MERGED_COLUMNS_H_

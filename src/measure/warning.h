// Why a run's figures may not be what they seem.
#ifndef BATCHSWEEP_MEASURE_WARNING_H_
#define BATCHSWEEP_MEASURE_WARNING_H_

#include <string>

#include "util/fields.h"

namespace batchsweep {

struct Warning {
  std::string name;  // "throttled": the same for all warnings of a kind
  std::string message;

  static constexpr auto Fields() {
    return FieldList<&Warning::name, &Warning::message>();
  }

  bool operator==(const Warning&) const = default;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_WARNING_H_

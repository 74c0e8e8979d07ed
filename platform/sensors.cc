#include "platform/sensors.h"

namespace batchsweep {

const char* EnergyGradeName(EnergyGrade grade) {
  switch (grade) {
    case EnergyGrade::kNone:
      return "none";
    case EnergyGrade::kPackageCounter:
      return "package counter";
    case EnergyGrade::kBoardRails:
      return "board rails";
    case EnergyGrade::kMeter:
      return "meter";
  }
  return "unknown";
}

}  // namespace batchsweep

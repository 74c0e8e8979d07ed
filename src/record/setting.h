// A flag of a run as it is recorded.
#ifndef BATCHSWEEP_RECORD_SETTING_H_
#define BATCHSWEEP_RECORD_SETTING_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace batchsweep {

// A flag of the run: its name, and its value; std::monostate is null.
using SettingValue = std::variant<std::monostate, bool, int64_t, double,
                                  std::string, std::vector<int64_t>>;
struct Setting {
  std::string name;
  SettingValue value;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SETTING_H_

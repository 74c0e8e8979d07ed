// Costs of batch sizes in words.
#ifndef BATCHSWEEP_RECORD_COST_TEXT_H_
#define BATCHSWEEP_RECORD_COST_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <format>
#include <span>
#include <string>
#include <vector>

#include "record/cost_comparison.h"

namespace batchsweep {

// "8", "8 and 32", "8, 32 and 128"
template <class Value>
std::string Joined(const std::vector<Value>& values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += i + 1 < values.size() ? ", " : " and ";
    text += std::format("{}", values[i]);
  }
  return text;
}

// "1 seed", "3 seeds"
std::string SeedsText(int64_t seeds);

// "0.79 s (0.71 to 0.90, 3 seeds)", or "0.79 s" without an interval; in a unit
// that leaves a number people read well.
std::string SecondsText(const BatchCost& cost, int64_t seeds);
std::string JoulesText(const BatchCost& cost, int64_t seeds);

// How the others compare with the least, each after a semicolon, as in "; 8
// cannot be told from it; 128 takes 1.7 times as long (1.5 to 1.9)". `measure`
// is "long" or "much". Empty if there is no other, or one seed.
std::string OthersText(std::span<const BatchCost> costs, const char* measure);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_COST_TEXT_H_

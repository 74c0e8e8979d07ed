#include "record/cost_text.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "record/rounded_figure.h"

namespace batchsweep {
namespace {

struct Unit {
  const char* name;
  double per_base;  // how many of it are a second or a joule
};
Unit TimeUnit(double seconds) {
  if (seconds < 0.1) return {"ms", 1e3};
  if (seconds < 120) return {"s", 1.0};
  if (seconds < 7200) return {"min", 1.0 / 60};
  return {"h", 1.0 / 3600};
}
Unit EnergyUnit(double joules) {
  if (joules < 0.1) return {"mJ", 1e3};
  if (joules < 1e4) return {"J", 1.0};
  return {"kJ", 1e-3};
}

std::optional<Interval> IntervalOf(const std::optional<double>& low,
                                   const std::optional<double>& high,
                                   double scale) {
  if (!low || !high) return std::nullopt;
  return Interval{.low = scale * *low, .high = scale * *high};
}

std::string CostText(const BatchCost& cost, Unit unit, int64_t seeds) {
  const RoundedFigure figure =
      Rounded(unit.per_base * cost.value,
              IntervalOf(cost.low, cost.high, unit.per_base));
  if (figure.low.empty()) {
    return std::format("{} {}{}", figure.value, unit.name,
                       seeds == 1 ? "" : " (" + SeedsText(seeds) + ")");
  }
  return std::format("{} {} ({} to {}, {})", figure.value, unit.name,
                     figure.low, figure.high, SeedsText(seeds));
}

// "at least 1.5 times as long", to a cost that is known to be at most that;
// rounded down, to a digit that shows that it is above 1.
std::string LeastRatioText(const BatchCost& cost, const char* measure) {
  const double low = cost.ratio_low.value_or(1.0);
  const int digits = low < 1.1 ? 2 : 1;
  const double unit = digits == 2 ? 0.01 : 0.1;
  return std::format("at least {:.{}f} times as {}",
                     std::floor(low / unit) * unit, digits, measure);
}

// "1.7 times as long (1.5 to 1.9)"
std::string RatioText(const BatchCost& cost, const char* measure) {
  const RoundedFigure ratio =
      Rounded(cost.ratio.value_or(1.0),
              IntervalOf(cost.ratio_low, cost.ratio_high, 1.0), 1.0);
  return std::format("{} times as {} ({} to {})", ratio.value, measure,
                     ratio.low, ratio.high);
}

}  // namespace

std::string SeedsText(int64_t seeds) {
  return seeds == 1 ? "1 seed" : std::format("{} seeds", seeds);
}

std::string SecondsText(const BatchCost& cost, int64_t seeds) {
  return CostText(cost, TimeUnit(cost.value), seeds);
}

std::string JoulesText(const BatchCost& cost, int64_t seeds) {
  return CostText(cost, EnergyUnit(cost.value), seeds);
}

std::string OthersText(std::span<const BatchCost> costs, const char* measure) {
  const bool bounds =
      std::ranges::any_of(costs, [](const auto& cost) { return cost.at_most; });
  const auto ratio_text = bounds ? LeastRatioText : RatioText;
  std::vector<int64_t> not_told;
  std::vector<std::string> more;
  for (const BatchCost& cost : costs) {
    switch (cost.verdict) {
      case CostVerdict::kLeast:
      case CostVerdict::kOneSeed:
        break;
      case CostVerdict::kNotTold:
        not_told.push_back(cost.batch_size);
        break;
      case CostVerdict::kMore:
        more.push_back(std::format("{}{} {}", cost.batch_size,
                                   more.empty() ? " takes" : "",
                                   ratio_text(cost, measure)));
    }
  }
  std::string text;
  if (!not_told.empty()) {
    text += std::format("; {} cannot be told from it", Joined(not_told));
  }
  if (!more.empty()) text += "; " + Joined(more);
  return text;
}

}  // namespace batchsweep

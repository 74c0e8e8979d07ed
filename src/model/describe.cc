#include "model/describe.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <string_view>
#include <utility>

namespace batchsweep {
namespace {

// The layers of a longer model do not fit into a terminal's line.
constexpr size_t kMaxListed = 7;

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

}  // namespace

std::vector<std::string> DescribeLayers(const ModelSpec& model) {
  std::vector<std::string> layers;
  for (const LayerSpec& layer : model.layers) {
    layers.push_back(LayerName(layer) + ": " + DescribeLayer(layer));
  }
  return layers;
}

std::string SummarizeLayers(const ModelSpec& model) {
  std::vector<std::string> parts;
  if (model.layers.size() <= kMaxListed) {
    for (const LayerSpec& layer : model.layers) {
      parts.push_back(DescribeLayer(layer));
    }
    return Join(parts);
  }
  std::vector<std::pair<std::string_view, int>> counts;
  for (const LayerSpec& layer : model.layers) {
    const std::string_view name = LayerClass(layer);
    const auto found = std::ranges::find(
        counts, name, &std::pair<std::string_view, int>::first);
    if (found == counts.end()) {
      counts.emplace_back(name, 1);
    } else {
      ++found->second;
    }
  }
  for (const auto& [name, count] : counts) {
    parts.push_back(std::format("{} {}", count, name));
  }
  return Join(parts);
}

}  // namespace batchsweep

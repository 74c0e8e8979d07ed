#include "data/npy_header.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <utility>

namespace batchsweep {
namespace {

// Takes Python literals off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool AtEnd() {
    SkipSpace();
    return rest_.empty();
  }

  bool Take(std::string_view token) {
    SkipSpace();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::optional<std::string> TakeString() {
    SkipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return {};
    const size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return {};
    std::string text(rest_.substr(1, end - 1));
    // It may stand in a message.
    if (std::ranges::any_of(text, [](char c) { return c < ' ' || c > '~'; })) {
      return {};
    }
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::optional<bool> TakeBool() {
    if (Take("False")) return false;
    if (Take("True")) return true;
    return {};
  }

  std::optional<std::vector<int64_t>> TakeShape() {
    if (!Take("(")) return {};
    std::vector<int64_t> shape;
    bool comma = true;
    while (!Take(")")) {
      const auto size = TakeSize();
      if (!size || !comma) return {};
      shape.push_back(*size);
      comma = Take(",");
    }
    // In Python, (3) is a number.
    if (shape.size() == 1 && !comma) return {};
    return shape;
  }

 private:
  void SkipSpace() {
    const size_t begin = rest_.find_first_not_of(" \t\n");
    rest_.remove_prefix(std::min(begin, rest_.size()));
  }

  std::optional<int64_t> TakeSize() {
    SkipSpace();
    int64_t size = 0;
    const char* end = rest_.data() + rest_.size();
    const auto [stop, error] = std::from_chars(rest_.data(), end, size);
    if (error != std::errc() || size < 0) return {};
    rest_.remove_prefix(static_cast<size_t>(stop - rest_.data()));
    return size;
  }

  std::string_view rest_;
};

// The header so far; a field is absent until it has been read.
struct Fields {
  std::optional<std::string> descr = {};
  std::optional<bool> fortran_order = {};
  std::optional<std::vector<int64_t>> shape = {};
};

// Reads the value of `key`, which must not have been there before.
bool TakeField(Scanner& scanner, std::string_view key, Fields& fields) {
  if (key == "descr" && !fields.descr) {
    fields.descr = scanner.TakeString();
    return fields.descr.has_value();
  }
  if (key == "fortran_order" && !fields.fortran_order) {
    fields.fortran_order = scanner.TakeBool();
    return fields.fortran_order.has_value();
  }
  if (key == "shape" && !fields.shape) {
    fields.shape = scanner.TakeShape();
    return fields.shape.has_value();
  }
  return false;
}

}  // namespace

std::optional<NpyHeader> ParseNpyHeader(std::string_view text) {
  Scanner scanner(text);
  Fields fields;
  if (!scanner.Take("{")) return {};
  bool comma = true;
  while (!scanner.Take("}")) {
    const auto key = scanner.TakeString();
    if (!comma || !key || !scanner.Take(":") ||
        !TakeField(scanner, *key, fields)) {
      return {};
    }
    comma = scanner.Take(",");
  }
  if (!scanner.AtEnd() || !fields.descr || !fields.fortran_order ||
      !fields.shape) {
    return {};
  }
  return NpyHeader{.descr = *std::move(fields.descr),
                   .fortran_order = *fields.fortran_order,
                   .shape = *std::move(fields.shape)};
}

}  // namespace batchsweep

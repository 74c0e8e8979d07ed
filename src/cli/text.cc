#include "cli/text.h"

#include <algorithm>
#include <format>

namespace batchsweep {
namespace {

// Letters to insert, remove or replace, and neighbours to swap, until `a` is
// `b`: the optimal string alignment distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1,
                                            std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced =
          distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      size_t& least = distance[i][j];
      least =
          std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        least = std::min(least, distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[a.size()][b.size()];
}

// Bytes of the UTF-8 character at the start of `text`, and whether it controls
// a terminal; 0 bytes if there is no such character. Ranges of second bytes:
// table 3-7 of the Unicode standard.
struct Character {
  size_t bytes = 0;
  bool is_control = false;
};
Character FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) {
    return {.bytes = 1, .is_control = first < 0x20 || first == 0x7f};
  }
  const size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (first < 0xc2 || first > 0xf4 || second < low || second > high) return {};
  for (size_t i = 2; i < bytes; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return {};
  }
  // U+0080 to U+009f do what ESC and a letter do.
  return {.bytes = bytes, .is_control = first == 0xc2 && second < 0xa0};
}

std::string EscapedByte(char byte) {
  switch (byte) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return std::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
}

}  // namespace

std::string Escaped(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Character first = FirstCharacter(text);
    const std::string_view bytes =
        text.substr(0, std::max<size_t>(first.bytes, 1));
    if (first.bytes == 0 || first.is_control) {
      for (const char byte : bytes) shown += EscapedByte(byte);
    } else {
      shown += bytes;
    }
    text.remove_prefix(bytes.size());
  }
  return shown;
}

std::string Shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  const size_t end = most / 3;
  return std::format("{} ... {}", text.substr(0, most - end),
                     text.substr(text.size() - end));
}

std::string Wrapped(std::string_view text, size_t indent) {
  std::string lines;
  size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > indent && column + 1 + word.size() > kTerminalColumns) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines;
}

std::string JoinedChoices(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " or ";
    text += names[i];
  }
  return text;
}

std::string JoinedNumbers(std::span<const int> numbers) {
  std::string text;
  for (const int number : numbers) {
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  }
  return text;
}

std::string NearestName(std::string_view name,
                        std::span<const std::string> names) {
  // A third of the letters may be wrong: "--batch-size" is near
  // "--batch-sizes", "run" is not near "info".
  size_t least = name.size() / 3 + 1;
  std::string nearest;
  for (const std::string& candidate : names) {
    const size_t distance =
        candidate.starts_with(name) ? 0 : EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace batchsweep

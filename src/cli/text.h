// Text for terminals of 80 columns.
#ifndef BATCHSWEEP_CLI_TEXT_H_
#define BATCHSWEEP_CLI_TEXT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace batchsweep {

inline constexpr size_t kTerminalColumns = 80;

// `text` in lines that fit behind `indent` columns, each but the first indented
// by as many spaces. A word that is longer than a line stands unbroken on one
// of its own.
std::string Wrapped(std::string_view text, size_t indent);

// "none, sqrt or linear"
std::string JoinedChoices(std::span<const std::string> names);

// "0, 2"
std::string JoinedNumbers(std::span<const int> numbers);

// `text` as it may be shown: of control characters, and of bytes that are not
// UTF-8, their escapes as in C, "\\n" and "\\x1b". All else is kept as it is.
std::string Escaped(std::string_view text);

// `text`, or its beginning and end with " ... " between them if it has more
// than `most` bytes.
std::string Shortened(std::string_view text, size_t most);

// The one of `names` that `name` was probably meant to be: it begins with
// `name`, or few letters differ. Empty if none is near.
std::string NearestName(std::string_view name,
                        std::span<const std::string> names);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_TEXT_H_

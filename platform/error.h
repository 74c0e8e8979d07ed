// Error: how an expected failure travels. Lowest header of all.
//
// An expected failure (bad input, a full disk, too little memory) is a value;
// a broken invariant is a CHECK (util/check.h). The message is one line without
// a full stop: what happened, where, what was expected, what to do about it.
#ifndef BATCHSWEEP_PLATFORM_ERROR_H_
#define BATCHSWEEP_PLATFORM_ERROR_H_

#include <expected>
#include <format>
#include <string>
#include <utility>

namespace batchsweep {

struct [[nodiscard]] Error {
  std::string message;
};

// A value or the Error instead of it. Not to be dropped unread.
template <class T>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
};
using Status = Result<void>;

// return Fail("{}: expected {} bytes, found {}", path, want, got);
template <class... Args>
std::unexpected<Error> Fail(std::format_string<Args...> format,
                            Args&&... args) {
  return std::unexpected(
      Error{std::format(format, std::forward<Args>(args)...)});
}

}  // namespace batchsweep

#define BATCHSWEEP_CONCAT_INNER(a, b) a##b
#define BATCHSWEEP_CONCAT(a, b) BATCHSWEEP_CONCAT_INNER(a, b)

// Returns the error of `expression`, a Result of any type, to the caller.
#define RETURN_IF_ERROR(expression)                               \
  do {                                                            \
    if (auto return_if_error = (expression); !return_if_error) {  \
      return std::unexpected(std::move(return_if_error).error()); \
    }                                                             \
  } while (false)

// ASSIGN_OR_RETURN(const auto bytes, ReadFile(path));
#define ASSIGN_OR_RETURN(declaration, expression)                 \
  auto BATCHSWEEP_CONCAT(result_, __LINE__) = (expression);       \
  if (!BATCHSWEEP_CONCAT(result_, __LINE__)) {                    \
    return std::unexpected(                                       \
        std::move(BATCHSWEEP_CONCAT(result_, __LINE__)).error()); \
  }                                                               \
  declaration = *std::move(BATCHSWEEP_CONCAT(result_, __LINE__))

#endif  // BATCHSWEEP_PLATFORM_ERROR_H_

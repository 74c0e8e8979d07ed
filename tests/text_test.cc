#include "cli/text.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace batchsweep {
namespace {

TEST_CASE("text breaks at spaces, before the 81st column", "[text]") {
  const std::string word(39, 'a');
  CHECK(Wrapped(word + ' ' + word + " b", 0) == word + ' ' + word + "\nb");
  CHECK(Wrapped(word + ' ' + word, 1) == word + ' ' + word);
  CHECK(Wrapped(word + ' ' + word, 2) == word + "\n  " + word);
  const std::string long_word(90, 'b');
  CHECK(Wrapped(long_word + " c", 3) == long_word + "\n   c");
}

TEST_CASE("choices are joined as one says them", "[text]") {
  CHECK(JoinedChoices(std::vector<std::string>{"a"}) == "a");
  CHECK(JoinedChoices(std::vector<std::string>{"a", "b"}) == "a or b");
  CHECK(JoinedChoices(std::vector<std::string>{"a", "b", "c"}) == "a, b or c");
  CHECK(JoinedNumbers(std::vector{0, 2}) == "0, 2");
}

TEST_CASE("the nearest name is that with the fewest wrong letters", "[text]") {
  const std::vector<std::string> names = {"--batch-sizes", "--steps", "--seeds",
                                          "run", "plan"};
  CHECK(NearestName("--batch-size", names) == "--batch-sizes");
  CHECK(NearestName("--batch", names) == "--batch-sizes");
  CHECK(NearestName("--seed", names) == "--seeds");
  CHECK(NearestName("--stesp", names) == "--steps");
  CHECK(NearestName("rum", names) == "run");
  CHECK(NearestName("urn", names) == "run");
  CHECK(NearestName("info", names).empty());
  CHECK(NearestName("--colour", names).empty());
}

}  // namespace
}  // namespace batchsweep

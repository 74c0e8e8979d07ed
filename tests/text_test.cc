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

TEST_CASE("control characters are shown, all else is kept", "[text]") {
  CHECK(Escaped("plain text, 100 % \\ \"quoted\"") ==
        "plain text, 100 % \\ \"quoted\"");
  CHECK(Escaped("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(Escaped("\x1b[31mred\x7f") == "\\x1b[31mred\\x7f");
  CHECK(Escaped(std::string_view("a\0b", 3)) == "a\\x00b");
  for (const char* text : {"größer", "學習", "ж", "\xf0\x9f\x8c\xb3",
                           "\xc2\xa0", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    CHECK(Escaped(text) == text);
  }
  // U+009b is CSI, as ESC [ is.
  CHECK(Escaped("\xc2\x9b") == "\\xc2\\x9b");
  // Cut short, overlong, a surrogate, beyond the last character, stray.
  CHECK(Escaped("\xe5\xad") == "\\xe5\\xad");
  CHECK(Escaped("\xc3") == "\\xc3");
  CHECK(Escaped("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(Escaped("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");
  CHECK(Escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(Escaped("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(Escaped("\xff\x62\x80") ==
        "\\xff"
        "b"
        "\\x80");
  CHECK(Escaped(Escaped("\x1b\n")) == Escaped("\x1b\n"));
}

TEST_CASE("what is too long is shown by its beginning and end", "[text]") {
  CHECK(Shortened("123456", 6) == "123456");
  CHECK(Shortened("1234567", 6) == "1234 ... 67");
  CHECK(Shortened(std::string(100'000, 'a'), 90).size() == 95);
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

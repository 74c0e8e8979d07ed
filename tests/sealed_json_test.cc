#include "record/sealed_json.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace batchsweep {
namespace {

Json Some() {
  return {
      {"version", 4}, {"loss", 0.125}, {"name", "a \xff b"}, {"none", Json()}};
}

TEST_CASE("sealed JSON reads back without its seal", "[sealed_json]") {
  const std::string text = SealedText(Some());
  CHECK(text.starts_with("{\n  \"crc32\": \""));
  CHECK(text.ends_with("}\n"));
  const auto read = ReadSealed(text);
  REQUIRE(read);
  CHECK(read->size() == 4);
  CHECK((*read)["loss"] == 0.125);
  // It is JSON as a whole too, for everyone else.
  CHECK(Json::parse(text)["version"] == 4);
}

TEST_CASE("any flipped bit of sealed JSON is found", "[sealed_json]") {
  const std::string text = SealedText(Some());
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK_FALSE(ReadSealed(flipped));
  }
}

TEST_CASE("sealed JSON that is cut off or added to is found", "[sealed_json]") {
  const std::string text = SealedText(Some());
  for (size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(ReadSealed(text.substr(0, size)));
  }
  CHECK_FALSE(ReadSealed(text + "\n"));
  CHECK_FALSE(ReadSealed("{}"));
}

}  // namespace
}  // namespace batchsweep

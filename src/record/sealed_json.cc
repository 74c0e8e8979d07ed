#include "record/sealed_json.h"

#include <format>
#include <string>

#include "util/check.h"
#include "util/checksum.h"

namespace batchsweep {
namespace {

constexpr std::string_view kBrace = "{\n";

std::string SealOf(std::string_view rest) {
  return std::format("{{\n  \"crc32\": \"{}\",\n",
                     Crc32Text(ChecksumOf(rest).crc32));
}

}  // namespace

std::string SealedText(const Json& object) {
  CHECK(object.is_object() && !object.empty());
  const std::string text =
      object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const std::string_view rest = std::string_view(text).substr(kBrace.size());
  return SealOf(rest).append(rest);
}

std::optional<Json> ReadSealed(std::string_view text) {
  const size_t seal_bytes = SealOf("").size();
  if (text.size() < seal_bytes) return std::nullopt;
  const std::string_view rest = text.substr(seal_bytes);
  if (text.substr(0, seal_bytes) != SealOf(rest)) return std::nullopt;
  Json json = ParseJson(std::string(kBrace).append(rest));
  if (!json.is_object()) return std::nullopt;
  return json;
}

}  // namespace batchsweep

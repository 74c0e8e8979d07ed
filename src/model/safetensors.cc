#include "model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <format>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "platform/file.h"
#include "util/check.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

// The format is little-endian, and values are copied without a look at their
// bytes.
static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kPrefixBytes = 8;
constexpr uint64_t kMaxElements = INT64_MAX / sizeof(float);

// A tensor as the header describes it, not yet held against the data.
struct Entry {
  std::string name;
  Shape shape = {};
  uint64_t begin = 0;
  uint64_t end = 0;
};

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> ParseHeader(std::string_view text, const std::string& file) {
  Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (header.is_object()) return header;
  return Fail(
      "{}: the header of {} bytes is not a JSON object; expected a "
      "safetensors file",
      file, text.size());
}

// Reads into `shape`, which stays within kMaxElements at every step of its
// product.
bool ReadShape(const Json& dims, Shape& shape) {
  if (!dims.is_array()) return false;
  uint64_t elements = 1;
  for (const Json& dim : dims) {
    if (!dim.is_number_unsigned()) return false;
    const auto size = dim.get<uint64_t>();
    if (size > kMaxElements || (size > 0 && elements > kMaxElements / size)) {
      return false;
    }
    elements *= size;
    shape.dims.push_back(static_cast<int64_t>(size));
  }
  return true;
}

Result<Entry> ReadEntry(const std::string& name, const Json& json,
                        const std::string& file) {
  const std::string where = std::format("{}: tensor {}", file, Quoted(name));
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return Fail("{}: expected an object of dtype, shape and data_offsets",
                where);
  }
  if (json["dtype"] != "F32") {
    return Fail(
        "{}: dtype is {}, expected \"F32\"; convert it to float32", where,
        json["dtype"].is_string() ? json["dtype"].dump() : "not a string");
  }
  Entry entry{.name = name};
  if (!ReadShape(json["shape"], entry.shape)) {
    return Fail("{}: shape is not a list of sizes that can be in a file",
                where);
  }
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 ||
      !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    return Fail("{}: data_offsets are not [begin, end]", where);
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  const uint64_t bytes =
      static_cast<uint64_t>(entry.shape.elements()) * sizeof(float);
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    return Fail("{}: data_offsets [{}, {}] do not match shape {}, {} bytes",
                where, entry.begin, entry.end, entry.shape.ToString(), bytes);
  }
  return entry;
}

// `entries` in the order of their data must fill it without hole or overlap.
Status CheckLayout(const std::vector<Entry>& entries, uint64_t data_bytes,
                   const std::string& file) {
  uint64_t filled = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != filled) {
      return Fail(
          "{}: tensor {} begins at data byte {}, expected {}, where the one "
          "before it ends",
          file, Quoted(entry.name), entry.begin, filled);
    }
    filled = entry.end;
  }
  if (filled != data_bytes) {
    return Fail(
        "{}: the header describes {} bytes of data, the file has {}; was it "
        "cut off or added to",
        file, filled, data_bytes);
  }
  return {};
}

Result<std::vector<Entry>> ReadEntries(std::string_view header,
                                       const std::string& file) {
  ASSIGN_OR_RETURN(const Json json, ParseHeader(header, file));
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") continue;
    ASSIGN_OR_RETURN(Entry entry, ReadEntry(name, value, file));
    entries.push_back(std::move(entry));
  }
  std::ranges::stable_sort(entries, {}, [](const Entry& entry) {
    return std::pair(entry.begin, entry.end);
  });
  return entries;
}

}  // namespace

Result<std::vector<NamedTensor>> ReadSafetensors(
    const std::filesystem::path& path) {
  const std::string file = path.string();
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const std::string_view all = bytes;
  uint64_t header_bytes = 0;
  if (all.size() < kPrefixBytes) {
    return Fail("{}: is {} bytes, too short for a safetensors file", file,
                all.size());
  }
  std::memcpy(&header_bytes, all.data(), kPrefixBytes);
  if (header_bytes > all.size() - kPrefixBytes) {
    return Fail(
        "{}: announces a header of {} bytes but is {} bytes long; it is cut "
        "off or no safetensors file",
        file, header_bytes, all.size());
  }
  const auto header_size = static_cast<size_t>(header_bytes);
  ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                   ReadEntries(all.substr(kPrefixBytes, header_size), file));
  const std::string_view data = all.substr(kPrefixBytes + header_size);
  RETURN_IF_ERROR(CheckLayout(entries, data.size(), file));

  std::vector<NamedTensor> tensors;
  for (const Entry& entry : entries) {
    const auto count =
        static_cast<size_t>((entry.end - entry.begin) / sizeof(float));
    NamedTensor tensor{entry.name, entry.shape, std::vector<float>(count)};
    if (count > 0) {
      std::memcpy(tensor.values.data(), data.data() + entry.begin,
                  count * sizeof(float));
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Status WriteSafetensors(const std::filesystem::path& path,
                        const std::vector<NamedTensor>& tensors) {
  Json header = Json::object();
  std::string data;
  for (const NamedTensor& tensor : tensors) {
    CHECK(std::ssize(tensor.values) == tensor.shape.elements());
    CHECK(!header.contains(tensor.name));
    const size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.values.data()),
                tensor.values.size() * sizeof(float));
    header[tensor.name] = {{"dtype", "F32"},
                           {"shape", tensor.shape.dims},
                           {"data_offsets", {begin, data.size()}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    return Fail("{}: not written, a tensor's name is not UTF-8", path.string());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t header_bytes = text.size();
  std::string file(kPrefixBytes, '\0');
  std::memcpy(file.data(), &header_bytes, kPrefixBytes);
  return WriteFileAtomically(path, file + text + data);
}

}  // namespace batchsweep

#include "platform/linux/sysfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace batchsweep::sysfs {
namespace {

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string> ReadText(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(count));
  }
  close(fd);
  if (count < 0) return std::nullopt;
  // Device-tree strings end in a zero byte.
  while (!text.empty() &&
         (text.back() == '\0' || text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::optional<int64_t> ReadInteger(const std::filesystem::path& file) {
  const auto text = ReadText(file);
  if (!text || text->find_first_not_of("-0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return ParseInteger(*text);
}

std::optional<int64_t> FindKeyedInteger(std::string_view text,
                                        std::string_view key) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with(key) || line.size() <= key.size() ||
        line[key.size()] != ':') {
      continue;
    }
    const size_t digits = line.find_first_of("0123456789", key.size());
    if (digits == std::string_view::npos) return std::nullopt;
    return ParseInteger(line.substr(digits));
  }
  return std::nullopt;
}

std::optional<int64_t> ReadKeyedInteger(const std::filesystem::path& file,
                                        std::string_view key) {
  const auto text = ReadText(file);
  return text ? FindKeyedInteger(*text, key) : std::nullopt;
}

std::vector<std::filesystem::path> List(const std::filesystem::path& folder,
                                        std::string_view prefix) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::directory_iterator();
       entries.increment(error)) {
    if (entries->path().filename().string().starts_with(prefix)) {
      found.push_back(entries->path());
    }
  }
  std::ranges::sort(found);
  return found;
}

std::string Shown(const std::filesystem::path& root,
                  const std::filesystem::path& path) {
  return "/" + path.lexically_relative(root).string();
}

}  // namespace batchsweep::sysfs

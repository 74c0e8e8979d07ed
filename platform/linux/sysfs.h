// Small files of /proc and /sys, under a root that tests can set.
#ifndef BATCHSWEEP_PLATFORM_LINUX_SYSFS_H_
#define BATCHSWEEP_PLATFORM_LINUX_SYSFS_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchsweep::sysfs {

// The file's text without white space or zero bytes at its end. Absent if it
// cannot be opened or read: such files come and go with boards and kernels.
std::optional<std::string> ReadText(const std::filesystem::path& file);

// The file as one decimal number; absent if it is not one.
std::optional<int64_t> ReadInteger(const std::filesystem::path& file);

// The number behind "key:" in lines of "key:   123 kB".
std::optional<int64_t> FindKeyedInteger(std::string_view text,
                                        std::string_view key);
// The same in a file.
std::optional<int64_t> ReadKeyedInteger(const std::filesystem::path& file,
                                        std::string_view key);

// Entries of `folder` whose names begin with `prefix`, sorted; empty if none.
std::vector<std::filesystem::path> List(const std::filesystem::path& folder,
                                        std::string_view prefix);

// `path` as it is called where `root` is "/".
std::string Shown(const std::filesystem::path& root,
                  const std::filesystem::path& path);

}  // namespace batchsweep::sysfs

#endif  // BATCHSWEEP_PLATFORM_LINUX_SYSFS_H_

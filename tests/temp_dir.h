// TempDir: a folder of a test's own, gone with everything in it at the end.
#ifndef BATCHSWEEP_TESTS_TEMP_DIR_H_
#define BATCHSWEEP_TESTS_TEMP_DIR_H_

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace batchsweep {

class TempDir {
 public:
  // Throws when no folder can be made, which fails the test.
  TempDir() {
    std::random_device random;
    const std::filesystem::path root = std::filesystem::temp_directory_path();
    do {
      path_ = root / ("batchsweep-test-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(path_));
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Writes a file of that name into the folder; returns where it stands.
  std::filesystem::path Write(std::string_view name,
                              std::string_view contents) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary) << contents;
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_TEMP_DIR_H_

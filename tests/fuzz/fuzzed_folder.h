// FuzzedFolder: files that a reader takes, one of which is replaced by what the
// fuzzer made. It is kept from one input to the next, since making a folder
// takes longer than reading it.
#ifndef BATCHSWEEP_TESTS_FUZZ_FUZZED_FOLDER_H_
#define BATCHSWEEP_TESTS_FUZZ_FUZZED_FOLDER_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/temp_dir.h"

namespace batchsweep {

class FuzzedFolder {
 public:
  struct File {
    std::string name;  // within the folder; folders on the way are made
    std::string contents;
  };

  explicit FuzzedFolder(std::vector<File> files) : files_(std::move(files)) {
    for (const File& file : files_) {
      std::filesystem::create_directories((path() / file.name).parent_path());
      folder_.Write(file.name, file.contents);
    }
  }

  const std::filesystem::path& path() const { return folder_.path(); }

  // Calls `read` while the file that the first of `bytes` chooses holds the
  // rest of them.
  template <class Read>
  void WithOneReplaced(std::string_view bytes, const Read& read) const {
    if (bytes.empty()) return;
    const size_t chosen = static_cast<unsigned char>(bytes[0]) % files_.size();
    const File& file = files_[chosen];
    folder_.Write(file.name, bytes.substr(1));
    read();
    folder_.Write(file.name, file.contents);
  }

 private:
  TempDir folder_;
  std::vector<File> files_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_FUZZ_FUZZED_FOLDER_H_

// A system that maps no files: the bytes are read into memory of our own.
#include "platform/mapped_file.h"

#include <fstream>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace batchsweep {

struct MappedFile::Mapping {
  std::vector<std::byte> copy;
};

Result<std::shared_ptr<const MappedFile>> MappedFile::Map(
    const std::filesystem::path& path, int64_t offset, int64_t size_bytes) {
  auto mapping = std::make_unique<Mapping>();
  try {
    mapping->copy.resize(static_cast<size_t>(size_bytes));
  } catch (const std::bad_alloc&) {
    return Fail("cannot read {}: {} bytes do not fit into memory",
                path.string(), size_bytes);
  } catch (const std::length_error&) {
    return Fail("cannot read {}: {} bytes do not fit into memory",
                path.string(), size_bytes);
  }
  std::ifstream file(path, std::ios::binary);
  file.seekg(offset);
  if (!file.read(reinterpret_cast<char*>(mapping->copy.data()),
                 static_cast<std::streamsize>(size_bytes))) {
    return Fail("cannot read {}: it ends too soon", path.string());
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(std::move(mapping)));
}

MappedFile::MappedFile(std::unique_ptr<Mapping> mapping)
    : mapping_(std::move(mapping)), bytes_(mapping_->copy) {}

MappedFile::~MappedFile() = default;

bool MappedFile::is_mapped() const { return false; }

Status MappedFile::CheckLength() const { return {}; }

Status MappedFile::DropPages() const { return {}; }

void MappedFile::TouchPages() const {}

}  // namespace batchsweep

#include "data/byte_stream.h"

#define ZLIB_CONST  // next_in may point to const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::array<uint8_t, 2> kMagic = {0x1f, 0x8b};
constexpr size_t kChunkBytes = 64 * 1024;
// 15 is zlib's largest window, 16 asks for gzip's header and checksum.
constexpr int kGzipWindowBits = 15 + 16;
constexpr int64_t kMostInflated = 1032;  // times the size of the file

}  // namespace

struct ByteStream::State {
  fs::path path;
  std::ifstream file;
  int64_t file_bytes = 0;
  bool inflates = false;
  bool in_member = true;  // of gzip, not behind one
  z_stream zlib = {};
  std::array<uint8_t, kChunkBytes> chunk;
  std::span<const uint8_t> input;  // of the chunk, not yet consumed

  ~State() {
    if (inflates) inflateEnd(&zlib);
  }

  // Reads more of the file behind what is left of the chunk. What stays as it
  // was is at the file's end.
  Status Refill() {
    std::ranges::copy(input, chunk.begin());
    const size_t left = input.size();
    file.read(reinterpret_cast<char*>(chunk.data() + left),
              static_cast<std::streamsize>(chunk.size() - left));
    if (file.bad()) return Fail("cannot read {} to its end", path.string());
    input = {chunk.data(), left + static_cast<size_t>(file.gcount())};
    return {};
  }

  bool AtMagic() const {
    return input.size() >= kMagic.size() &&
           std::ranges::equal(input.first(kMagic.size()), kMagic);
  }

  // Bytes of the file that are not yet consumed.
  int64_t Remaining() {
    file.clear();
    return file_bytes - static_cast<int64_t>(file.tellg()) + std::ssize(input);
  }

  // gzip allows several members one behind the other: bgzip writes such files.
  // Returns false at the end.
  Result<bool> BeginMember() {
    if (input.size() < kMagic.size()) RETURN_IF_ERROR(Refill());
    if (input.empty()) return false;
    if (!AtMagic()) {
      return Fail("{}: expected the end of the gzip data, found {} more bytes",
                  path.string(), Remaining());
    }
    inflateReset(&zlib);
    return true;
  }

  std::unexpected<Error> InflateFailure(int code) const {
    if (code == Z_BUF_ERROR) {
      return Fail(
          "{}: the gzip data ends early; expected a whole file, fetch it again",
          path.string());
    }
    return Fail(
        "{}: damaged gzip data ({}); expected a whole file, fetch it again",
        path.string(), zlib.msg ? zlib.msg : zError(code));
  }

  // Inflates up to the end of `bytes` or of the member; returns how many.
  Result<size_t> InflateSome(std::span<uint8_t> bytes) {
    if (input.empty()) RETURN_IF_ERROR(Refill());
    zlib.next_in = input.data();
    zlib.avail_in = static_cast<unsigned>(input.size());
    zlib.next_out = bytes.data();
    const size_t room = std::min<size_t>(bytes.size(), kChunkBytes);
    zlib.avail_out = static_cast<unsigned>(room);
    const int code = inflate(&zlib, Z_NO_FLUSH);
    input = input.last(zlib.avail_in);
    if (code == Z_STREAM_END) in_member = false;
    if (code != Z_STREAM_END && code != Z_OK) return InflateFailure(code);
    return room - zlib.avail_out;
  }

  Result<size_t> Inflate(std::span<uint8_t> bytes) {
    size_t count = 0;
    while (count < bytes.size()) {
      if (!in_member) {
        ASSIGN_OR_RETURN(in_member, BeginMember());
        if (!in_member) break;
      }
      ASSIGN_OR_RETURN(const size_t more, InflateSome(bytes.subspan(count)));
      count += more;
    }
    return count;
  }

  Result<size_t> Copy(std::span<uint8_t> bytes) {
    size_t count = std::min(bytes.size(), input.size());
    std::ranges::copy(input.first(count), bytes.begin());
    input = input.subspan(count);
    file.read(reinterpret_cast<char*>(bytes.data() + count),
              static_cast<std::streamsize>(bytes.size() - count));
    if (file.bad()) return Fail("cannot read {} to its end", path.string());
    return count + static_cast<size_t>(file.gcount());
  }
};

Result<ByteStream> ByteStream::Open(const fs::path& path) {
  auto state = std::make_unique<State>();
  std::error_code error;
  // Opening a pipe would wait for a writer, and a folder opens as a file.
  if (!fs::is_regular_file(path, error)) {
    return Fail("cannot read {}: {}", path.string(),
                error ? error.message() : "expected a regular file");
  }
  state->path = path;
  state->file_bytes = static_cast<int64_t>(fs::file_size(path, error));
  state->file.open(path, std::ios::binary);
  if (error || !state->file.is_open()) {
    return Fail(
        "cannot read {}: {}", path.string(),
        error ? error.message() : std::generic_category().message(errno));
  }
  RETURN_IF_ERROR(state->Refill());
  if (state->AtMagic()) {
    if (inflateInit2(&state->zlib, kGzipWindowBits) != Z_OK) {
      return Fail("{}: not enough memory to inflate it", path.string());
    }
    state->inflates = true;
  }
  return ByteStream(std::move(state));
}

ByteStream::ByteStream(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
ByteStream::ByteStream(ByteStream&&) noexcept = default;
ByteStream& ByteStream::operator=(ByteStream&&) noexcept = default;
ByteStream::~ByteStream() = default;

bool ByteStream::inflates() const { return state_->inflates; }

int64_t ByteStream::file_bytes() const { return state_->file_bytes; }

int64_t ByteStream::most_bytes() const {
  return state_->file_bytes * (inflates() ? kMostInflated : 1);
}

Result<size_t> ByteStream::Read(std::span<uint8_t> bytes) {
  return state_->inflates ? state_->Inflate(bytes) : state_->Copy(bytes);
}

Result<int64_t> ByteStream::Skip(int64_t count) {
  std::array<uint8_t, kChunkBytes> passed;
  int64_t skipped = 0;
  while (skipped < count) {
    const auto wanted = static_cast<size_t>(
        std::min<int64_t>(count - skipped, std::ssize(passed)));
    ASSIGN_OR_RETURN(const size_t found, Read(std::span(passed).first(wanted)));
    skipped += static_cast<int64_t>(found);
    if (found < wanted) break;
  }
  return skipped;
}

}  // namespace batchsweep

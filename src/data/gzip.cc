#include "data/gzip.h"

#define ZLIB_CONST  // next_in may point to const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string_view>

#include "platform/file.h"

namespace batchsweep {
namespace {

constexpr std::string_view kMagic = "\x1f\x8b";
constexpr size_t kChunkBytes = 64 * 1024;
// 15 is zlib's largest window, 16 asks for gzip's header and checksum.
constexpr int kGzipWindowBits = 15 + 16;
// Deflate cannot do better, so a trailer that claims more is wrong.
constexpr size_t kMaxRatio = 1032;

// The inflated size as the trailer has it (u32, little-endian, of the last
// member, modulo 2^32): only a hint of how much to reserve.
size_t SizeHint(std::string_view gzip) {
  if (gzip.size() < 4) return 0;
  uint32_t size = 0;
  for (size_t i = 1; i <= 4; ++i) {
    size = size << 8 | static_cast<uint8_t>(gzip[gzip.size() - i]);
  }
  return size / kMaxRatio > gzip.size() ? 0 : size;
}

// Appends one member to `contents` and takes it off the front of `input`.
// Returns zlib's code: Z_STREAM_END when it was whole and its checksum right.
int InflateMember(z_stream& stream, std::string_view& input,
                  std::string& contents) {
  std::array<unsigned char, kChunkBytes> chunk;
  int code = Z_OK;
  while (code == Z_OK) {
    const size_t feed = std::min<size_t>(input.size(), UINT_MAX);
    stream.next_in = reinterpret_cast<const unsigned char*>(input.data());
    stream.avail_in = static_cast<unsigned>(feed);
    stream.next_out = chunk.data();
    stream.avail_out = kChunkBytes;
    code = inflate(&stream, Z_NO_FLUSH);
    input.remove_prefix(feed - stream.avail_in);
    contents.append(reinterpret_cast<const char*>(chunk.data()),
                    kChunkBytes - stream.avail_out);
  }
  return code;
}

std::unexpected<Error> InflateFailure(const std::filesystem::path& path,
                                      int code, const z_stream& stream) {
  if (code == Z_BUF_ERROR) {
    return Fail(
        "{}: the gzip data ends early; expected a whole file, fetch it again",
        path.string());
  }
  return Fail(
      "{}: damaged gzip data ({}); expected a whole file, fetch it again",
      path.string(), stream.msg ? stream.msg : zError(code));
}

Result<std::string> Inflate(const std::filesystem::path& path,
                            std::string_view input) {
  z_stream stream = {};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) {
    return Fail("{}: not enough memory to inflate it", path.string());
  }
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream,
                                                             &inflateEnd);
  std::string contents;
  contents.reserve(SizeHint(input));
  // gzip allows several members one behind the other: bgzip writes such files.
  do {
    const int code = InflateMember(stream, input, contents);
    if (code != Z_STREAM_END) return InflateFailure(path, code, stream);
    inflateReset(&stream);
  } while (input.starts_with(kMagic));
  if (!input.empty()) {
    return Fail("{}: expected the end of the gzip data, found {} more bytes",
                path.string(), input.size());
  }
  return contents;
}

}  // namespace

Result<std::string> ReadMaybeGzip(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(std::string contents, ReadFile(path));
  if (!contents.starts_with(kMagic)) return contents;
  try {
    return Inflate(path, contents);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  return Fail("{}: its inflated contents do not fit into memory",
              path.string());
}

}  // namespace batchsweep

// ByteStream: the bytes of a file in their order, inflated if it is gzip. Only
// what is asked for is read and inflated, in pieces: however much a small file
// inflates to, it takes no more memory and time than its reader wants.
//
// The only user of zlib.h is byte_stream.cc.
#ifndef BATCHSWEEP_DATA_BYTE_STREAM_H_
#define BATCHSWEEP_DATA_BYTE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "platform/error.h"

namespace batchsweep {

class ByteStream {
 public:
  // The file is inflated if it begins with gzip's magic bytes 1f 8b. Refuses
  // what is no regular file or cannot be read.
  static Result<ByteStream> Open(const std::filesystem::path& path);
  ByteStream(ByteStream&&) noexcept;
  ByteStream& operator=(ByteStream&&) noexcept;
  ~ByteStream();

  bool inflates() const;
  // Of the file as it lies on the disk.
  int64_t file_bytes() const;
  // The most that can come: deflate cannot do better than 1032 to 1.
  int64_t most_bytes() const;

  // Fills `bytes` with the next ones. Returns how many there were, fewer only
  // at the end. An error, naming the file and the reason, if gzip data end
  // early, are damaged, or have something else behind them; a checksum is
  // looked at when the end is reached.
  Result<size_t> Read(std::span<uint8_t> bytes);
  // Goes past `count` bytes. Returns how many there were, fewer only at the
  // end. Errors as Read().
  Result<int64_t> Skip(int64_t count);

 private:
  struct State;
  explicit ByteStream(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_BYTE_STREAM_H_

#include "data/room.h"

#include <algorithm>

#include "platform/memory.h"

namespace batchsweep {

Status CheckRoom(const std::string& path, const Shape& shape, int64_t bytes) {
  const int64_t room = std::min<int64_t>(
      AvailableMemoryBytes().value_or(INT64_MAX), PTRDIFF_MAX);
  if (bytes <= room) return {};
  return Fail(
      "{}: those used of its {} values take {} bytes, which do not fit into "
      "the {} that this machine has free; use fewer examples, see "
      "--train-limit, or save images as uint8",
      path, shape.ToString(), bytes, room);
}

}  // namespace batchsweep

// Whether examples that are copied fit into memory.
#ifndef BATCHSWEEP_DATA_ROOM_H_
#define BATCHSWEEP_DATA_ROOM_H_

#include <cstdint>
#include <string>

#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// Refuses to take more bytes, for values of a file of that shape, than this
// machine has free. What is mapped needs no room.
Status CheckRoom(const std::string& path, const Shape& shape, int64_t bytes);

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_ROOM_H_

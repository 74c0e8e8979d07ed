// ReadingBuffer: what the sampler read since it was last asked, in bounded
// memory however long an epoch takes.
//
// Up to kMostReadings are as they were read. Then each two neighbours become
// one that covers the time of both, and from there on so many that are read
// become one, doubling each time there is no room again: an epoch of over three
// minutes and a half at ten a second has one for each 0.2 seconds. What becomes
// one keeps what steps are told of it: the highest temperature, the lowest
// frequency, whether any was throttled, and the mean power by time; what counts
// up, and memory, is that of the later.
#ifndef BATCHSWEEP_MEASURE_READING_BUFFER_H_
#define BATCHSWEEP_MEASURE_READING_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/reading.h"

namespace batchsweep {

inline constexpr size_t kMostReadings = 2048;

class ReadingBuffer {
 public:
  // REQUIRES: later than all before.
  void Add(const Reading& reading);

  // Hands out all since the last call, in the order of time. The first of all
  // is as it was read, since what it covers begins nowhere.
  std::vector<Reading> Take();

 private:
  void Halve();

  std::vector<Reading> readings_;
  int64_t readings_each_ = 1;  // that become one
  int64_t in_last_ = 1;        // that the last has become of
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_READING_BUFFER_H_

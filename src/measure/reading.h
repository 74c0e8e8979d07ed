// What the sampler reads of the board and of this process, each time.
#ifndef BATCHSWEEP_MEASURE_READING_H_
#define BATCHSWEEP_MEASURE_READING_H_

#include <cstdint>
#include <optional>

#include "platform/memory.h"
#include "platform/process.h"
#include "platform/sensors.h"

namespace batchsweep {

struct Reading {
  int64_t time_ns = 0;  // by MonotonicNs(), when all of it had been read
  SensorReading sensors;
  ProcessMemory memory;
  ProcessUsage usage;
  std::optional<int64_t> machine_busy_ns;  // see MachineBusyNs()
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_READING_H_

// What is asked of the board before a cell computes on it.
#ifndef BATCHSWEEP_SWEEP_BOARD_PREPARATION_H_
#define BATCHSWEEP_SWEEP_BOARD_PREPARATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "measure/warning.h"
#include "platform/sensors.h"
#include "sweep/sweep_config.h"

namespace batchsweep {

// Binds this thread to the cores of config.pin and gives it the priority of
// config.realtime. Threads that it starts from now on inherit both, threads
// that are there already keep theirs. Returns a warning of each that could not
// be had.
std::vector<Warning> TakeCores(const SweepConfig& config);

struct Cooling {
  bool interrupted = false;
  int64_t waited_ns = 0;
  std::optional<Warning> warning;  // it never became that cool
};

// Waits, but no longer than 20 minutes, until the CPU is at `celsius` or below.
// Asks `interrupted`, and tells `on_wait` the temperature, twice a second.
Cooling WaitUntilCool(Sensors& sensors, double celsius,
                      const std::function<bool()>& interrupted,
                      const std::function<void(double now_celsius)>& on_wait);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_BOARD_PREPARATION_H_

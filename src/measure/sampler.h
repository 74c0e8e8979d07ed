// Sampler: a thread that reads the board's state while another one trains.
#ifndef BATCHSWEEP_MEASURE_SAMPLER_H_
#define BATCHSWEEP_MEASURE_SAMPLER_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "measure/reading_buffer.h"
#include "measure/readings.h"
#include "platform/counters.h"
#include "platform/sensors.h"

namespace batchsweep {

// What a sampler's readings are of: the sources of `sensors`, but the frequency
// comes from counted cycles where the firmware does not measure it.
SensorSources SampledSources(const Sensors& sensors, const Counters& counters);

class Sampler {
 public:
  // Takes no readings yet. The thread keeps the cores and priority that the
  // caller has now. `sample_hz` is the number of readings a second; at 0 there
  // is no thread and no reading.
  Sampler(Sensors& sensors, double sample_hz);
  ~Sampler();

  // Takes the first reading now, and from then on one each period. Open the
  // counters after the sampler is made, so that they do not count its thread.
  // REQUIRES: `counters` outlives the sampler.
  void Start(const Counters& counters);

  // Takes one more reading now, which the next Take() returns with the others.
  void ReadNow();

  // Takes one more reading now, and returns it behind all those since the last
  // Take(), of which there are at most kMostReadings. Where this process may
  // use other cores than `busy_cores`, the thread stays on the others from now
  // on.
  std::vector<Reading> Take(const std::vector<int>& busy_cores);

 private:
  void Run();
  Reading NewReading();
  std::optional<double> CountedFrequencyHz();

  const int64_t period_ns_;       // 0: off
  const std::vector<int> cores_;  // that its thread may use
  // Below: guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  Sensors& sensors_;
  const Counters* counters_ = nullptr;  // null before Start()
  bool frequency_is_measured_ = false;
  ReadingBuffer readings_;
  std::vector<int> busy_cores_;
  std::optional<int64_t> cycles_, cpu_time_ns_;  // at the latest reading
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_SAMPLER_H_

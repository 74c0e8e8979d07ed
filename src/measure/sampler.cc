#include "measure/sampler.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>

#include "platform/clock.h"
#include "platform/cores.h"

namespace batchsweep {
namespace {

// From less the quotient would be mostly rounding and the way to the kernel.
constexpr int64_t kLeastCpuTimeNs = 10'000'000;

}  // namespace

SensorSources SampledSources(const Sensors& sensors, const Counters& counters) {
  SensorSources sources = sensors.Sources();
  if (!sources.frequency_is_measured && counters.Read().cycles) {
    sources.frequency = "cycles counted in user mode, over the time computed";
    sources.frequency_is_measured = true;
  }
  return sources;
}

Sampler::Sampler(Sensors& sensors, double sample_hz)
    : period_ns_(sample_hz > 0.0 ? static_cast<int64_t>(1e9 / sample_hz) : 0),
      cores_(AllowedCores()),
      sensors_(sensors) {
  if (period_ns_ == 0) return;
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    throw std::bad_alloc();  // there is no room for its stack
  }
}

Sampler::~Sampler() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Sampler::Start(const Counters& counters) {
  if (period_ns_ == 0) return;
  {
    const std::scoped_lock lock(mutex_);
    counters_ = &counters;
    frequency_is_measured_ = sensors_.Sources().frequency_is_measured;
    readings_.Add(NewReading());
  }
  wake_.notify_one();
}

void Sampler::ReadNow() {
  if (period_ns_ == 0) return;
  const std::scoped_lock lock(mutex_);
  readings_.Add(NewReading());
}

std::vector<Reading> Sampler::Take(const std::vector<int>& busy_cores) {
  if (period_ns_ == 0) return {};
  const std::scoped_lock lock(mutex_);
  busy_cores_ = busy_cores;
  readings_.Add(NewReading());
  return readings_.Take();
}

void Sampler::Run() {
  using std::chrono::nanoseconds;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stop_ || counters_ != nullptr; });
  std::vector<int> kept_off;
  auto next = std::chrono::steady_clock::now();
  while (true) {
    next += nanoseconds(period_ns_);
    if (wake_.wait_until(lock, next, [this] { return stop_; })) return;
    try {
      readings_.Add(NewReading());
    } catch (const std::bad_alloc&) {
      // The next reading covers the time of this one too.
    }
    if (busy_cores_ == kept_off) continue;
    kept_off = busy_cores_;
    std::vector<int> spare = cores_;
    std::erase_if(
        spare, [&](int core) { return std::ranges::contains(kept_off, core); });
    // Nothing to be done about a refusal: the kernel places it then.
    (void)StayOnCores(spare.empty() ? cores_ : spare);
  }
}

Reading Sampler::NewReading() {
  Reading reading = {.sensors = sensors_.Read(MonotonicNs()),
                     .memory = ReadProcessMemory(),
                     .usage = ReadProcessUsage(),
                     .machine_busy_ns = MachineBusyNs()};
  const auto counted = CountedFrequencyHz();
  if (!frequency_is_measured_ && counted) {
    reading.sensors.cpu_freq_hz = counted;
  }
  reading.time_ns = MonotonicNs();
  return reading;
}

std::optional<double> Sampler::CountedFrequencyHz() {
  const auto cycles = counters_->Read().cycles;
  const auto cpu_time_ns = counters_->CpuTimeNs();
  if (!cycles || !cpu_time_ns) return std::nullopt;
  if (!cycles_) {
    cycles_ = cycles;
    cpu_time_ns_ = cpu_time_ns;
    return std::nullopt;
  }
  const int64_t elapsed_ns = *cpu_time_ns - *cpu_time_ns_;
  if (elapsed_ns < kLeastCpuTimeNs) return std::nullopt;
  const double hz = static_cast<double>(*cycles - *cycles_) * 1e9 /
                    static_cast<double>(elapsed_ns);
  cycles_ = cycles;
  cpu_time_ns_ = cpu_time_ns;
  return hz;
}

}  // namespace batchsweep

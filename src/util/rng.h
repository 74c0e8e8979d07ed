// Rng: the one source of random numbers. Same seed, same numbers, on every
// target: the engine is std::mt19937_64, whose output the standard fixes; its
// distributions are not fixed, so ours are spelt out here.
#ifndef BATCHSWEEP_UTIL_RNG_H_
#define BATCHSWEEP_UTIL_RNG_H_

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <utility>

namespace batchsweep {

// The finaliser of SplitMix64: nearby numbers become unrelated ones.
constexpr uint64_t MixBits(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class Rng {
 public:
  // `stream` keeps draws for different purposes (shuffling, weights, data)
  // apart under one seed.
  Rng(uint64_t seed, uint64_t stream)
      : engine_(MixBits(MixBits(seed) + stream)) {}

  uint64_t Next() { return engine_(); }

  // Uniform in [0, bound), without bias. REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t draw = engine_();
    while (draw >= limit) draw = engine_();
    return draw % bound;
  }

  // Uniform in [0, 1), 53 random bits.
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  // Standard normal, by Box and Muller; two uniform draws each.
  double Normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * Uniform());
  }

 private:
  std::mt19937_64 engine_;
};

// By Fisher and Yates; std::shuffle's draws differ between libraries.
template <class Value>
void Shuffle(std::span<Value> values, Rng& rng) {
  for (size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[static_cast<size_t>(rng.Below(left))]);
  }
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_UTIL_RNG_H_

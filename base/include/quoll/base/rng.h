// Rng: seeded, small, fast randomness: the same seed gives the same run on every machine.
//
// xoshiro256** seeded by splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS
// 2021). Not for secrets. The standard distributions differ between libraries, so the ones used here are our own.
//
// Thread-compatible: one per thread, or guarded by its owner.
#pragma once

#include <array>
#include <cstdint>

#include "quoll/base/time.h"

namespace quoll {

// One step of splitmix64: also a good mixer for hashing a counter.
constexpr std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  std::uint64_t next();
  // Uniform in [0, 1).
  double uniform();
  // Uniform in [low, high]; low <= high.
  std::uint64_t uniform_int(std::uint64_t low, std::uint64_t high);
  // Uniform in [low, high]; low <= high.
  Duration uniform(Duration low, Duration high);
  // True with the given probability, clamped to [0, 1].
  bool chance(double probability);
  // Exponential with the given mean.
  double exponential(double mean);

 private:
  std::array<std::uint64_t, 4> state_;
};

// A seed from the system, for programs that were given none. They print it, so that a run can be repeated.
std::uint64_t random_seed();

}  // namespace quoll

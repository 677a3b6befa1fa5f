#include "quoll/base/rng.h"

#include <cmath>

#include "quoll/base/assert.h"

namespace quoll {

namespace {
constexpr std::uint64_t rotl(std::uint64_t x, unsigned k) {
  return (x << k) | (x >> (64U - k));
}
}  // namespace

Rng::Rng(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    word = splitmix64(seed);
    seed += 0x9e3779b97f4a7c15ULL;
  }
}

std::uint64_t Rng::next() {
  const std::uint64_t result = rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotl(state_[3], 45);
  return result;
}

double Rng::uniform() {
  return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

std::uint64_t Rng::uniform_int(std::uint64_t low, std::uint64_t high) {
  QUOLL_ASSERT(low <= high);
  const std::uint64_t span = high - low + 1;  // 0 means the full range
  if (span == 0) return next();
  // Rejection keeps it unbiased: values past the last whole multiple of span are drawn again.
  const std::uint64_t limit = ~0ULL - (~0ULL % span + 1) % span;
  std::uint64_t value = next();
  while (value > limit) value = next();
  return low + value % span;
}

Duration Rng::uniform(Duration low, Duration high) {
  QUOLL_ASSERT(low <= high);
  // Unsigned, for a span that 63 bits do not hold.
  const auto from = static_cast<std::uint64_t>(low.count());
  const std::uint64_t span = static_cast<std::uint64_t>(high.count()) - from;
  return Duration(static_cast<Duration::rep>(from + uniform_int(0, span)));
}

bool Rng::chance(double probability) {
  return uniform() < probability;
}

double Rng::exponential(double mean) {
  return -mean * std::log1p(-uniform());
}

}  // namespace quoll

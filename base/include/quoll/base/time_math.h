// Arithmetic on times that stops at the ends of the range instead of wrapping round.
//
// Why: Duration::max() is used for "no limit", and times before the clock's epoch are as good as any. 64 bits of
// nanoseconds hold 292 years, and `now + limit` or `to - from` leaves them sooner than one thinks; a wrapped sum says
// "long ago" where "never" was meant. What cannot be told is told as the furthest there is.
//
// Thread-safe: pure functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "quoll/base/time.h"

namespace quoll {

// For products of times and counts; exact where 64 bits are not enough.
__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

constexpr std::int64_t add_saturating(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

constexpr std::int64_t subtract_saturating(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

constexpr std::int64_t narrow_saturating(Int128 value) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return value < kLeast ? kLeast : value > kMost ? kMost : static_cast<std::int64_t>(value);
}

// start + span.
constexpr TimePoint after(TimePoint start, Duration span) {
  return TimePoint(Duration(add_saturating(start.time_since_epoch().count(), span.count())));
}

// to - from.
constexpr Duration between(TimePoint from, TimePoint to) {
  return Duration(subtract_saturating(to.time_since_epoch().count(), from.time_since_epoch().count()));
}

// span * factor.
constexpr Duration times(Duration span, std::int64_t factor) {
  return Duration(narrow_saturating(Int128{span.count()} * factor));
}

// The nearest duration below, towards zero. NaN is zero.
inline Duration from_nanos(double nanos) {
  constexpr double kEnd = 0x1p63;
  if (std::fabs(nanos) < kEnd) return Duration(static_cast<Duration::rep>(nanos));
  if (std::isnan(nanos)) return Duration::zero();
  return nanos < 0 ? Duration::min() : Duration::max();
}

}  // namespace quoll

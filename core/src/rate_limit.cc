#include "quoll/core/rate_limit.h"

#include <algorithm>

#include "quoll/base/assert.h"
#include "quoll/base/faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {

constexpr double kLongest = 100 * 365.25 * 86'400;  // seconds; nanoseconds in 64 bits hold 292 years

// In 2^-64ths of a nanosecond, rounded down: a call of ours is early by less than any clock can tell.
UInt128 interval_in_fractions(const RateLimitOptions& options) {
  const auto period = static_cast<std::uint64_t>(options.period.count());
  return (UInt128{period} << 64U) / std::max<std::uint64_t>(1, options.rate);
}

}  // namespace

std::vector<std::string> RateLimitOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  std::vector<std::string> found = faults.take();
  if (!found.empty()) return found;
  if (static_cast<std::uint64_t>(period.count()) < rate) {
    found.push_back("rate is " + std::to_string(rate) + " in " + format_duration(period) +
                    "; more than one call a nanosecond can't be told apart");
  } else if (to_seconds(period) / static_cast<double>(rate) * static_cast<double>(burst) > kLongest) {
    found.push_back("burst is " + std::to_string(burst) + "; at this rate it takes more than a hundred years to earn");
  }
  return found;
}

RateLimit::RateLimit(const RateLimitOptions& options)
    : options_(internal::accepted("RateLimit", options)),
      interval_{static_cast<std::int64_t>(interval_in_fractions(options) >> 64U),
                static_cast<std::uint64_t>(interval_in_fractions(options))},
      batch_(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(options.burst / 64, 1, kLargestBatch))),
      // Twice what the shards may hold: threads that share a shard may overshoot before one of them tells.
      far_(span_of(options.burst - std::min<std::uint64_t>(options.burst, 1 + 2 * kShards * batch_)).whole) {}

RateLimit::Span RateLimit::span_of(std::uint64_t calls) const {
  const UInt128 fractions = UInt128{interval_.fraction} * calls;
  const Int128 whole = Int128{interval_.whole} * calls + static_cast<std::int64_t>(fractions >> 64U);
  return {narrow_saturating(whole), static_cast<std::uint64_t>(fractions)};
}

// The calls of all shards that the word does not know of yet.
std::uint32_t RateLimit::collect() {
  std::uint32_t sum = 0;
  for (Shard& shard : shards_) {
    if (shard.untold.load(std::memory_order_relaxed) == 0) continue;
    sum += shard.untold.exchange(0, std::memory_order_relaxed);
  }
  return sum;
}

// Moves the word on from `tat`; false when another thread was first, and then `tat` is what it is now. A carry goes in
// a moment later: until then another thread may be admitted a nanosecond early, and none is lost.
bool RateLimit::advance(std::int64_t& tat, std::int64_t at, Span step) {
  const bool idle = tat < at;
  const std::int64_t next = add_saturating(idle ? at : tat, step.whole);
  if (!tat_.compare_exchange_weak(tat, next, std::memory_order_relaxed)) return false;
  if (interval_.fraction == 0) return true;
  if (idle) {
    fraction_.store(step.fraction, std::memory_order_relaxed);
  } else {
    const std::uint64_t before = fraction_.fetch_add(step.fraction, std::memory_order_relaxed);
    if (before + step.fraction < before && next != INT64_MAX) tat_.fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

void RateLimit::tell(std::int64_t at, std::uint32_t calls) {
  if (calls == 0) return;
  const Span step = span_of(calls);
  std::int64_t tat = tat_.load(std::memory_order_relaxed);
  while (!advance(tat, at, step)) {
  }
}

RateLimit::Decision RateLimit::reserve(TimePoint now, Duration max_wait, std::uint64_t cost) {
  return decide(now, max_wait, cost);
}

RateLimit::Decision RateLimit::decide(TimePoint now, Duration max_wait, std::uint64_t cost) {
  constexpr Decision kNever{false, Duration::max()};
  if (cost > options_.burst) return kNever;
  const std::int64_t at = now.time_since_epoch().count();
  // A call of cost n is n calls at once: the last of them must be within the tolerance.
  const Span step = span_of(cost);
  const Span tolerance = span_of(options_.burst - cost);
  if (batch_ > 1) tell(at, collect());
  std::int64_t tat = tat_.load(std::memory_order_relaxed);
  while (true) {
    const std::uint64_t fraction = tat < at ? 0 : fraction_.load(std::memory_order_relaxed);
    const std::int64_t ahead = std::max<std::int64_t>(0, subtract_saturating(tat, at));
    const std::int64_t round_up = fraction > tolerance.fraction ? 1 : 0;
    const Duration wait(std::max<std::int64_t>(0, add_saturating(ahead - tolerance.whole, round_up)));
    if (wait > max_wait) return {false, wait};
    // Places for centuries are taken: there is no time left to reserve.
    const std::int64_t next = add_saturating(std::max(tat, at), step.whole);
    if (next == INT64_MAX || subtract_saturating(next, at) == INT64_MAX) return kNever;
    if (advance(tat, at, step)) return {true, wait};
  }
}

}  // namespace quoll::core

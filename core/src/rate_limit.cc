#include "quoll/core/rate_limit.h"

#include <algorithm>

#include "quoll/base/assert.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {

constexpr std::uint64_t kMaxRate = 1'000'000'000;
constexpr double kLongest = 100 * 365.25 * 86'400;  // seconds; nanoseconds in 64 bits hold 292 years

void check_count(std::vector<std::string>& faults, const char* name, std::uint64_t value) {
  if (value < 1 || value > kMaxRate) {
    faults.push_back(std::string(name) + " is " + std::to_string(value) + "; it must be between 1 and 1000000000");
  }
}

}  // namespace

std::vector<std::string> RateLimitOptions::validate() const {
  std::vector<std::string> faults;
  check_count(faults, "rate", rate);
  check_count(faults, "burst", burst);
  if (period < std::chrono::milliseconds(1) || period > std::chrono::hours(24)) {
    faults.push_back("period is " + format_duration(period) + "; it must be between 1ms and 24h");
  } else if (rate >= 1 && static_cast<std::uint64_t>(period.count()) < rate) {
    faults.push_back("rate is " + std::to_string(rate) + " in " + format_duration(period) +
                     "; more than one call a nanosecond can't be told apart");
  } else if (rate >= 1 && to_seconds(period) / static_cast<double>(rate) * static_cast<double>(burst) > kLongest) {
    faults.push_back("burst is " + std::to_string(burst) + "; at this rate it takes more than a hundred years to earn");
  }
  return faults;
}

RateLimit::RateLimit(const RateLimitOptions& options)
    : options_(internal::accepted("RateLimit", options)),
      interval_(options.period.count() / static_cast<std::int64_t>(std::max<std::uint64_t>(1, options.rate))),
      tolerance_(interval_ * static_cast<std::int64_t>(options.burst - 1)),
      batch_(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(options.burst / 64, 1, kLargestBatch))),
      // Twice what the shards may hold: threads that share a shard may overshoot before one of them tells.
      far_(tolerance_ - interval_ * static_cast<std::int64_t>(2 * kShards * batch_)) {}

// The calls of all shards that the word does not know of yet.
std::uint32_t RateLimit::collect() {
  std::uint32_t sum = 0;
  for (Shard& shard : shards_) {
    if (shard.untold.load(std::memory_order_relaxed) == 0) continue;
    sum += shard.untold.exchange(0, std::memory_order_relaxed);
  }
  return sum;
}

void RateLimit::tell(std::int64_t at, std::uint32_t calls) {
  if (calls == 0) return;
  const std::int64_t step = interval_ * calls;
  std::int64_t tat = tat_.load(std::memory_order_relaxed);
  while (!tat_.compare_exchange_weak(tat, std::max(tat, at) + step, std::memory_order_relaxed)) {
  }
}

RateLimit::Decision RateLimit::reserve(TimePoint now, Duration max_wait, std::uint64_t cost) {
  return take(now, max_wait, cost);
}

RateLimit::Decision RateLimit::take(TimePoint now, Duration max_wait, std::uint64_t cost) {
  QUOLL_ASSERT(cost >= 1 && cost <= kMaxRate);
  const std::int64_t at = now.time_since_epoch().count();
  // A call of cost n is n calls at once: the last of them must be within the tolerance.
  const std::int64_t step = interval_ * static_cast<std::int64_t>(cost);
  if (batch_ > 1) tell(at, collect());
  std::int64_t tat = tat_.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(tat, at) + step;
    const Duration wait(next - interval_ - tolerance_ - at);
    if (wait > max_wait) return {false, wait};
    if (tat_.compare_exchange_weak(tat, next, std::memory_order_relaxed))
      return {true, std::max(wait, Duration::zero())};
  }
}

}  // namespace quoll::core

#include "quoll/core/rate_limit.h"

#include <algorithm>

#include "quoll/base/assert.h"

namespace quoll::core {

namespace {

constexpr std::uint64_t kMaxRate = 1'000'000'000;

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
  }
  return faults;
}

RateLimit::RateLimit(const RateLimitOptions& options)
    : options_(options),
      interval_(options.period.count() / static_cast<std::int64_t>(std::max<std::uint64_t>(1, options.rate))),
      tolerance_(interval_ * static_cast<std::int64_t>(options.burst - 1)) {
  QUOLL_ASSERT(options.validate().empty());
}

RateLimit::Decision RateLimit::try_acquire(TimePoint now, std::uint64_t cost) {
  return take(now, Duration::zero(), cost);
}

RateLimit::Decision RateLimit::reserve(TimePoint now, Duration max_wait, std::uint64_t cost) {
  return take(now, max_wait, cost);
}

RateLimit::Decision RateLimit::take(TimePoint now, Duration max_wait, std::uint64_t cost) {
  QUOLL_ASSERT(cost >= 1 && cost <= kMaxRate);
  const std::int64_t at = now.time_since_epoch().count();
  // A call of cost n is n calls at once: the last of them must be within the tolerance.
  const std::int64_t step = interval_ * static_cast<std::int64_t>(cost);
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

#include "quoll/core/retry.h"

#include <algorithm>
#include <cmath>

#include "faults.h"
#include "quoll/base/assert.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {

void check(std::vector<std::string>& faults, const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  faults.push_back(std::string(name) + " is " + std::to_string(value) + "; it must be between " + std::to_string(low) +
                   " and " + std::to_string(high));
}

void check(std::vector<std::string>& faults, const char* name, Duration value, Duration low, Duration high) {
  if (value >= low && value <= high) return;
  faults.push_back(std::string(name) + " is " + format_duration(value) + "; it must be between " +
                   format_duration(low) + " and " + format_duration(high));
}

}  // namespace

std::vector<std::string> RetryBudgetOptions::validate() const {
  std::vector<std::string> faults;
  check(faults, "ratio", ratio, 0, 10);
  check(faults, "minimum_per_second", minimum_per_second, 0, 1e6);
  check(faults, "capacity", capacity, 1, 1e6);
  check(faults, "reserve", reserve, 0, 0.95);
  return faults;
}

RetryBudget::RetryBudget(const RetryBudgetOptions& options)
    : options_(internal::accepted("RetryBudget", options)),
      deposit_(std::llround(options.ratio * kMicro)),
      trickle_per_ns_(options.minimum_per_second * kMicro / 1e9),
      capacity_(std::llround(options.capacity * kMicro)),
      reserve_(std::llround(options.capacity * options.reserve * kMicro)),
      balance_(capacity_) {}

void RetryBudget::deposit(unsigned stripe) {
  std::atomic<std::int64_t>& micros = stripes_[stripe % stripes_.size()].micros;
  const std::int64_t held = micros.fetch_add(deposit_, std::memory_order_relaxed) + deposit_;
  if (held < kMicro) return;
  // Whoever takes the whole amount out delivers it; another thread then finds nothing.
  const std::int64_t taken = micros.exchange(0, std::memory_order_relaxed);
  if (taken > 0) add(taken);
}

void RetryBudget::add(std::int64_t micros) {
  std::int64_t balance = balance_.load(std::memory_order_relaxed);
  while (balance < capacity_ &&
         !balance_.compare_exchange_weak(balance, std::min(capacity_, balance + micros), std::memory_order_relaxed)) {
  }
}

void RetryBudget::trickle(TimePoint now) {
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t last = trickled_at_.load(std::memory_order_relaxed);
  if (at <= last || !trickled_at_.compare_exchange_strong(last, at, std::memory_order_relaxed)) return;
  if (last == 0) return;
  add(static_cast<std::int64_t>(
      std::min(static_cast<double>(capacity_), trickle_per_ns_ * static_cast<double>(at - last))));
}

bool RetryBudget::try_withdraw(TimePoint now) {
  trickle(now);
  std::int64_t balance = balance_.load(std::memory_order_relaxed);
  while (balance >= kMicro + reserve_) {
    if (balance_.compare_exchange_weak(balance, balance - kMicro, std::memory_order_relaxed)) return true;
  }
  return false;
}

double RetryBudget::balance(TimePoint now) const {
  const std::int64_t last = trickled_at_.load(std::memory_order_relaxed);
  const std::int64_t at = now.time_since_epoch().count();
  const double pending = last == 0 || at <= last ? 0 : trickle_per_ns_ * static_cast<double>(at - last);
  const double balance = static_cast<double>(balance_.load(std::memory_order_relaxed)) + pending;
  return std::min(static_cast<double>(capacity_), balance) / kMicro;
}

std::vector<std::string> RetryOptions::validate() const {
  constexpr Duration kHour = std::chrono::hours(1);
  std::vector<std::string> faults;
  if (max_attempts < 1 || max_attempts > 100) {
    faults.push_back("max_attempts is " + std::to_string(max_attempts) + "; it must be between 1 and 100");
  }
  check(faults, "base", base, Duration::zero(), kHour);
  check(faults, "cap", cap, Duration::zero(), kHour);
  check(faults, "max_retry_after", max_retry_after, Duration::zero(), kHour);
  const RetryOptions whole = resolved();
  internal::Faults order;
  order.check_order("cap", whole.cap, "base", whole.base);
  for (std::string& fault : order.take()) faults.push_back(std::move(fault));
  return faults;
}

RetryOptions RetryOptions::resolved() const {
  RetryOptions moved = *this;
  internal::let_follow({&moved.base, &moved.cap});
  return moved;
}

const char* to_string(RetryRefusal refusal) {
  switch (refusal) {
    case RetryRefusal::attempts_used_up:
      return "attempts_used_up";
    case RetryRefusal::not_idempotent:
      return "not_idempotent";
    case RetryRefusal::retry_after_too_long:
      return "retry_after_too_long";
    case RetryRefusal::past_deadline:
      return "past_deadline";
    case RetryRefusal::no_budget:
      return "no_budget";
    case RetryRefusal::would_be_refused:
      return "would_be_refused";
  }
  return "unknown";
}

RetryPolicy::RetryPolicy(const RetryOptions& options, RetryBudget* budget, std::uint64_t seed)
    : options_(internal::accepted("RetryPolicy", options)), budget_(budget), rng_(seed) {}

RetryDecision RetryPolicy::decide(const FailedAttempt& attempt, TimePoint now) {
  QUOLL_ASSERT(attempt.attempts >= 1);
  if (attempt.attempts >= options_.max_attempts) return {.refusal = RetryRefusal::attempts_used_up};
  if (!attempt.idempotent && !attempt.never_sent && !options_.non_idempotent) {
    return {.refusal = RetryRefusal::not_idempotent};
  }
  // Doubling from base, without overflow: past 62 doublings the cap has long been reached.
  const unsigned doublings = std::min(attempt.attempts - 1, 62U);
  const double ceiling = std::min(std::ldexp(static_cast<double>(options_.base.count()), static_cast<int>(doublings)),
                                  static_cast<double>(options_.cap.count()));
  Duration wait = rng_.uniform(Duration::zero(), Duration(static_cast<Duration::rep>(ceiling)));
  if (attempt.retry_after) {
    if (*attempt.retry_after > options_.max_retry_after) return {.refusal = RetryRefusal::retry_after_too_long};
    // Jitter comes on top, so that a thousand clients told "in 2 s" do not all come in the same instant.
    wait += *attempt.retry_after;
  }
  if (attempt.remaining && wait >= *attempt.remaining) return {.refusal = RetryRefusal::past_deadline};
  if (wait < attempt.refused_for) return {.refusal = RetryRefusal::would_be_refused};
  if (budget_ != nullptr && !budget_->try_withdraw(now)) return {.refusal = RetryRefusal::no_budget};
  return {.wait = wait};
}

}  // namespace quoll::core

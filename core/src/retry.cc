#include "quoll/core/retry.h"

#include <algorithm>
#include <cmath>
#include <ratio>

#include "quoll/base/assert.h"
#include "quoll/base/faults.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {

constexpr int kRateBits = 42;

// Rounded up, so that three thirds are a whole; but for the rounding of the product.
std::int64_t rounded_up(double amount) {
  return static_cast<std::int64_t>(std::ceil(amount - 1e-4));
}

}  // namespace

std::vector<std::string> RetryBudgetOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

RetryBudget::RetryBudget(const RetryBudgetOptions& options)
    : options_(internal::accepted("RetryBudget", options)),
      deposit_(rounded_up(options.ratio * kToken)),
      rate_(std::llround(std::ldexp(options.minimum_per_second, kRateBits))),
      capacity_(std::llround(options.capacity * kToken)),
      reserve_(std::llround(options.capacity * options.reserve * kToken)),
      balance_(capacity_) {
  static_assert(kToken == std::nano::den, "a token a second is a billionth a nanosecond");
}

void RetryBudget::deposit(unsigned stripe) {
  std::atomic<std::int64_t>& own = stripes_[stripe % stripes_.size()].held;
  const std::int64_t held = own.fetch_add(deposit_, std::memory_order_relaxed) + deposit_;
  if (held < kToken) return;
  // The thread that takes the whole amount out delivers it; another one then finds nothing.
  const std::int64_t taken = own.exchange(0, std::memory_order_relaxed);
  if (taken > 0) add(taken);
}

void RetryBudget::add(std::int64_t amount) {
  std::int64_t balance = balance_.load(std::memory_order_relaxed);
  while (balance < capacity_ &&
         !balance_.compare_exchange_weak(balance, std::min(capacity_, balance + amount), std::memory_order_relaxed)) {
  }
}

// What trickles in from one time to a later one. The difference of two sums since the clock began, each rounded down:
// so however often it is asked, the parts add up to the whole.
std::int64_t RetryBudget::trickled(std::int64_t from, std::int64_t to) const {
  const Int128 sum = (Int128{to} * rate_ >> kRateBits) - (Int128{from} * rate_ >> kRateBits);
  return sum < capacity_ ? static_cast<std::int64_t>(sum) : capacity_;
}

void RetryBudget::trickle(TimePoint now) {
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t last = trickled_at_.load(std::memory_order_relaxed);
  if (at <= last || !trickled_at_.compare_exchange_strong(last, at, std::memory_order_relaxed)) return;
  if (last != INT64_MIN) add(trickled(last, at));
}

bool RetryBudget::try_withdraw(TimePoint now) {
  trickle(now);
  std::int64_t balance = balance_.load(std::memory_order_relaxed);
  while (balance >= kToken + reserve_) {
    if (balance_.compare_exchange_weak(balance, balance - kToken, std::memory_order_relaxed)) return true;
  }
  return false;
}

double RetryBudget::balance(TimePoint now) const {
  const std::int64_t last = trickled_at_.load(std::memory_order_relaxed);
  const std::int64_t at = now.time_since_epoch().count();
  const std::int64_t pending = last == INT64_MIN || at <= last ? 0 : trickled(last, at);
  return static_cast<double>(std::min(capacity_, balance_.load(std::memory_order_relaxed) + pending)) / kToken;
}

std::vector<std::string> RetryOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  const RetryOptions whole = resolved();
  faults.check_order("cap", whole.cap, "base", whole.base);
  return faults.take();
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
    // Jitter comes on top, so that a thousand clients told "in 2 s" do not all come in the same instant. A date that
    // has passed, or a callee's mistake, is no reason to come before the jitter.
    wait += std::max(*attempt.retry_after, Duration::zero());
  }
  if (attempt.remaining && wait >= *attempt.remaining) return {.refusal = RetryRefusal::past_deadline};
  if (wait < attempt.refused_for) return {.refusal = RetryRefusal::would_be_refused};
  if (budget_ != nullptr && !budget_->try_withdraw(now)) return {.refusal = RetryRefusal::no_budget};
  return {.wait = wait};
}

}  // namespace quoll::core

// RetryPolicy and RetryBudget: whether a failed call is tried again, and when.
//
// Why a budget and not only a maximum number of tries: three tries at each of three layers are 27 calls for one, and
// they come exactly when the callee can bear them least. A budget ties retries to the traffic that succeeds in being
// sent at all: in an outage of everything, a fleet with a budget of 20 % sends at most 1.2 times its normal load, for
// ever, instead of three times (metastable failures: Bronson et al., HotOS 2021).
//
// Back-off is "full jitter": sleep = uniform(0, min(cap, base * 2^n)) (AWS Architecture Blog, 2015). The budget is a
// token bucket: each first attempt deposits `ratio` tokens, `minimum_per_second` trickles in, a retry withdraws one
// (Finagle: 20 %, 10 a second, 10 s; gRPC A6: retries only above half of the bucket, here `reserve`).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/defaulted.h"

namespace quoll::core {

struct RetryBudgetOptions {
  double ratio = 0.2;
  double minimum_per_second = 10;
  double capacity = 100;
  double reserve = 0;

  static void describe(auto&& field) {
    using O = RetryBudgetOptions;
    field("ratio", &O::ratio, schema::share(0, 10),
          "Tokens that one first attempt deposits: retries are at most this share of the traffic.");
    field(
        "minimum_per_second", &O::minimum_per_second, schema::within(0, 1e6),
        "Tokens a second without any traffic, so that a quiet client may still retry. Less if there are many of them.");
    field("capacity", &O::capacity, schema::within(1, 1e6), "The bucket's size: how many retries a burst may take.");
    field("reserve", &O::reserve, schema::share(0, 0.95),
          "No retry while the bucket holds less than this share of its capacity; gRPC uses 0.5.");
  }

  std::vector<std::string> validate() const;
};

// Thread-safe. Deposits go to one of a few padded stripes and reach the bucket in whole tokens, so that callers on
// several threads share a budget without sharing a cache line on every call.
class RetryBudget {
 public:
  // `options` must be valid.
  explicit RetryBudget(const RetryBudgetOptions& options);

  // One first attempt was sent: no policy has refused it. (Refused calls would fill the bucket in an outage, when it
  // has to be empty.) `stripe` spreads threads; any number, best the worker's index.
  void deposit(unsigned stripe = 0);
  // Takes a token for one retry, or refuses. A refusal takes nothing.
  bool try_withdraw(TimePoint now);
  // Gives back the token of a retry that was not made after all.
  void refund() { add(kToken); }
  // Tokens in the bucket, without those still in the stripes.
  double balance(TimePoint now) const;
  const RetryBudgetOptions& options() const { return options_; }

 private:
  static constexpr std::int64_t kToken = 1'000'000'000;  // tokens are counted in billionths
  struct alignas(64) Stripe {
    std::atomic<std::int64_t> held{0};
  };
  std::int64_t trickled(std::int64_t from, std::int64_t to) const;
  void trickle(TimePoint now);
  void add(std::int64_t amount);

  const RetryBudgetOptions options_;
  const std::int64_t deposit_;
  const std::int64_t rate_;  // of the trickle: a 2^kRateBits-th of a billionth of a token a nanosecond
  const std::int64_t capacity_;
  const std::int64_t reserve_;
  std::array<Stripe, 4> stripes_;
  alignas(64) std::atomic<std::int64_t> balance_;
  std::atomic<std::int64_t> trickled_at_{INT64_MIN};  // ns; INT64_MIN until the first withdrawal
};

struct RetryOptions {
  unsigned max_attempts = 3;
  Defaulted<Duration> base = usual(std::chrono::milliseconds(25));
  Defaulted<Duration> cap = usual(std::chrono::seconds(1));
  bool non_idempotent = false;
  Duration max_retry_after = std::chrono::seconds(10);

  static void describe(auto&& field) {
    using O = RetryOptions;
    using std::chrono::hours;
    field("max_attempts", &O::max_attempts, schema::within(1, 100),
          "Attempts in all, the first one included; 1 turns retries off.");
    field("base", &O::base, schema::within(Duration::zero(), hours(1)),
          "The first back-off is uniform in (0, base): the callee's usual hiccup. Follows cap if that is less.");
    field("cap", &O::cap, schema::within(Duration::zero(), hours(1)),
          "No back-off is longer. Follows base if that is more.");
    field(
        "non_idempotent", &O::non_idempotent,
        "Retry calls that are not idempotent, too. A POST that timed out may have been carried out: only if the callee "
        "recognises repeated calls.");
    field("max_retry_after", &O::max_retry_after, schema::within(Duration::zero(), hours(1)),
          "The longest Retry-After that is waited for; with a longer one the call is not retried.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  RetryOptions resolved() const;
};

// What is known of a call that has just failed.
struct FailedAttempt {
  // How many attempts were made, this one included; >= 1.
  unsigned attempts = 1;
  // The call may be repeated without harm: a safe or idempotent method (RFC 9110 9.2.2), or the caller's word.
  bool idempotent = true;
  // The callee cannot have seen the call: no connection, or a rejection before sending. Always safe to repeat.
  bool never_sent = false;
  // What the callee asked for. A time that has passed already (negative) is none.
  std::optional<Duration> retry_after = {};
  // What is left of the call's overall deadline; a retry that would start past it is not made.
  std::optional<Duration> remaining = {};
  // For how long another attempt would be refused, by an open breaker for one; Duration::max() if nobody knows. An
  // attempt that would come before it is over is not waited for, and costs no token.
  Duration refused_for{};
};

enum class RetryRefusal : std::uint8_t {
  attempts_used_up,
  not_idempotent,
  retry_after_too_long,
  past_deadline,
  no_budget,
  would_be_refused
};

struct RetryDecision {
  // How long to wait before the next attempt; meaningful without a refusal. Never negative.
  Duration wait{};
  std::optional<RetryRefusal> refusal = {};

  explicit operator bool() const { return !refusal.has_value(); }
};

// A word for a metric or a log line: "no_budget".
const char* to_string(RetryRefusal refusal);

// Thread-compatible: one per caller (it owns the jitter's seed); the budget may be shared by many and outlives it.
class RetryPolicy {
 public:
  // `options` must be valid. budget may be null: then only max_attempts bounds the retries.
  RetryPolicy(const RetryOptions& options, RetryBudget* budget, std::uint64_t seed);

  // Called once for a call that failed in a way that a repeat might cure. A token is withdrawn only by a "yes".
  RetryDecision decide(const FailedAttempt& attempt, TimePoint now);

  const RetryOptions& options() const { return options_; }
  RetryBudget* budget() const { return budget_; }

 private:
  RetryOptions options_;
  RetryBudget* budget_;
  Rng rng_;
};

}  // namespace quoll::core

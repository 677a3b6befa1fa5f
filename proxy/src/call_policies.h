// CallPolicies: what bounds the calls to one upstream beside its breaker. The circuit owns it, tells it what became of
// each call, and when the breaker opens and closes; the policy stack asks it.
//
// Thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "quoll/core/breaker_types.h"
#include "quoll/core/outcome.h"
#include "quoll/proxy/policy_options.h"
#include "quoll/telemetry/registry.h"

namespace quoll::proxy {

class CallPolicies {
 public:
  // The right to have one more call under way; without a limit there is nothing to hold. Dropped, it frees the place
  // and teaches nothing.
  struct Place {
    std::optional<core::Slot> slot;
  };

  // `options` must be valid; `timeout` is the fixed one. The registry outlives it. The seed is the jitter's.
  CallPolicies(const CallPolicyOptions& options, Duration timeout, const std::string& circuit, std::uint64_t seed,
               telemetry::Registry& registry);

  // How long an attempt that starts now may take. A trial of a half-open breaker gets the most there is.
  Duration timeout(bool trial) const {
    if (!adaptive_) return fixed_;
    return trial ? adaptive_->trial_timeout() : adaptive_->timeout();
  }

  // A place for one call, or nothing when as many as the limit are under way.
  std::optional<Place> try_enter(unsigned shard) {
    if (!limit_) return Place{};
    return enter(shard);
  }

  // What became of a call.
  void learn(Place&& place, const core::Sample& sample, bool trial, TimePoint now, unsigned shard) {
    if (adaptive_) learn_latency(sample, trial, now, shard);
    if (place.slot) limit_->record(std::move(*place.slot), sample, now);
  }
  // Call it after each change of the breaker, and now and then: changes that two threads tell of in the wrong order are
  // put right by the next call.
  void follow(core::State state);
  void follow_shedding(bool shedding);

  // A worker's own: its jitter; the budget is all workers'.
  core::RetryPolicy make_retry(unsigned worker);
  // A request has come, which earns the budget a part of a retry.
  void earn_retries(unsigned shard) {
    if (options_.retries > 0) budget_->deposit(shard);
  }
  // What became of an attempt that was not the first one.
  void count_retry(bool success, unsigned shard) { retries_[success ? 0 : 1]->add(1, shard); }
  // A failed call that might have been made again was not.
  void count_refused_retry(core::RetryRefusal refusal, unsigned shard);

  const CallPolicyOptions& options() const { return options_; }
  // Null with a fixed timeout.
  const core::AdaptiveTimeout* adaptive_timeout() const { return adaptive_ ? &*adaptive_ : nullptr; }
  // Null without a limit.
  const core::ConcurrencyLimit* limit() const { return limit_ ? &*limit_ : nullptr; }

 private:
  std::optional<Place> enter(unsigned shard);
  void learn_latency(const core::Sample& sample, bool trial, TimePoint now, unsigned shard);

  const CallPolicyOptions options_;
  const Duration fixed_;
  std::optional<core::AdaptiveTimeout> adaptive_;
  std::optional<core::ConcurrencyLimit> limit_;
  telemetry::Counter* refused_ = nullptr;  // with a limit
  const std::uint64_t seed_;
  std::optional<core::RetryBudget> budget_;
  std::array<telemetry::Counter*, 5> retries_{};  // success, failure, then what was refused; with retries
};

}  // namespace quoll::proxy

// CallPolicies: what bounds the calls to one upstream beside its breaker. The circuit owns it, tells it what became of
// each call, and when the breaker opens and closes; the policy stack asks it.
//
// Thread-safe.
#pragma once

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

  // `options` must be valid; `timeout` is the fixed one. The registry outlives it.
  CallPolicies(const CallPolicyOptions& options, Duration timeout, const std::string& circuit,
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
};

}  // namespace quoll::proxy

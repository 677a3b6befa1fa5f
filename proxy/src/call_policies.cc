#include "call_policies.h"

namespace quoll::proxy {

CallPolicies::CallPolicies(const CallPolicyOptions& options, Duration timeout, const std::string& circuit,
                           telemetry::Registry& registry)
    : options_(options), fixed_(timeout) {
  if (options.timeout == TimeoutKind::adaptive) adaptive_.emplace(options.adaptive_timeout);
  registry.gauge_fn("quoll_timeout_seconds", "How long a call to the upstream may take now.", {{"circuit", circuit}},
                    [this] { return to_seconds(this->timeout(false)); });
  if (!options.concurrency) return;
  limit_.emplace(options.concurrency_limit);
  registry.gauge_fn("quoll_concurrency_limit", "Calls to the upstream that may be under way at a time.",
                    {{"circuit", circuit}}, [this] { return static_cast<double>(limit_->limit()); });
  registry.gauge_fn("quoll_concurrency_in_flight", "Calls to the upstream that are under way.", {{"circuit", circuit}},
                    [this] { return static_cast<double>(limit_->in_flight()); });
  refused_ = &registry.counter("quoll_concurrency_refused_total",
                               "Calls that were not made because as many as the limit were under way.",
                               {{"circuit", circuit}});
}

std::optional<CallPolicies::Place> CallPolicies::enter(unsigned shard) {
  if (auto slot = limit_->try_acquire(shard)) return Place{std::move(slot)};
  refused_->add(1, shard);
  return std::nullopt;
}

void CallPolicies::learn_latency(const core::Sample& sample, bool trial, TimePoint now, unsigned shard) {
  if (trial) {
    adaptive_->record_trial(sample);
  } else {
    adaptive_->record(sample, now, shard);
  }
}

void CallPolicies::follow_shedding(bool shedding) {
  if (!adaptive_) return;
  if (shedding) {
    adaptive_->pause(core::AdaptiveTimeout::Pause::shedding);
  } else {
    adaptive_->resume(core::AdaptiveTimeout::Pause::shedding);
  }
}

void CallPolicies::follow(core::State state) {
  if (!adaptive_) return;
  using Pause = core::AdaptiveTimeout::Pause;
  switch (state) {
    case core::State::open:
    case core::State::forced_open:
      return adaptive_->pause(Pause::breaker_open);
    case core::State::half_open:
      return;  // until the trials have decided
    case core::State::closed:
    case core::State::disabled:
    case core::State::metrics_only:
      return adaptive_->resume(Pause::breaker_open);
  }
}

}  // namespace quoll::proxy

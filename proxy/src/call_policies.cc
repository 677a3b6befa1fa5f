#include "call_policies.h"

#include "quoll/base/rng.h"

namespace quoll::proxy {
namespace {

constexpr std::array<const char*, 5> kRetryResults = {"success", "failure", "no_budget", "retry_after_too_long",
                                                      "past_deadline"};

}  // namespace

CallPolicies::CallPolicies(const CallPolicyOptions& options, Duration timeout, const std::string& circuit,
                           std::uint64_t seed, telemetry::Registry& registry)
    : options_(options), fixed_(timeout), seed_(seed) {
  if (options.timeout == TimeoutKind::adaptive) adaptive_.emplace(options.adaptive_timeout);
  registry.gauge_fn("quoll_timeout_seconds", "How long a call to the upstream may take now.", {{"circuit", circuit}},
                    [this] { return to_seconds(this->timeout(false)); });
  if (options.retries > 0) {
    budget_.emplace(options.retry_budget);
    for (std::size_t i = 0; i < kRetryResults.size(); ++i) {
      retries_[i] = &registry.counter("quoll_retries_total",
                                      "Calls made again, by what became of them, and failed calls that were not.",
                                      {{"circuit", circuit}, {"result", kRetryResults[i]}});
    }
  }
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

core::RetryPolicy CallPolicies::make_retry(unsigned worker) {
  core::RetryOptions options = options_.retry;
  options.max_attempts = options_.retries + 1;
  return {options, budget_ ? &*budget_ : nullptr, seed_ ^ splitmix64(worker + 1)};
}

void CallPolicies::count_refused_retry(core::RetryRefusal refusal, unsigned shard) {
  const std::string_view word = core::to_string(refusal);
  for (std::size_t i = 2; i < kRetryResults.size(); ++i) {
    if (word == kRetryResults[i]) retries_[i]->add(1, shard);
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

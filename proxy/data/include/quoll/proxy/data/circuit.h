// Circuit: the policies around the calls to one upstream (breaker, timeout, limit, retry budget), shared by all
// workers, and everything that tells of them: event counters, log, gauges.
//
// The policies decide, in the order of core's engine, which a worker's CallGate drives; this is what they have in
// common and the one place that counts what they did.
//
// Thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "quoll/core/pipeline.h"
#include "quoll/proxy/config/options.h"
#include "quoll/telemetry/log.h"
#include "quoll/telemetry/registry.h"

namespace quoll::proxy {

enum class Event : std::uint8_t { open, close, half_open, reject, fallback, timeout, success, failure };
inline constexpr std::array<const char*, 8> kEventNames = {"open",     "close",   "half_open", "reject",
                                                           "fallback", "timeout", "success",   "failure"};

// How an attempt ended, each attempt in exactly one: an answer in time that a timer would have called a timeout is
// `rescued`, not `success`.
enum class AttemptEnd : std::uint8_t { success, rescued, failure, timeout, cancelled, inconclusive };
inline constexpr std::array<const char*, 6> kAttemptNames = {"success", "rescued",   "failure",
                                                             "timeout", "cancelled", "inconclusive"};

// What became of an attempt that was not its call's first, and why a failed call was not made again.
enum class RetryEnd : std::uint8_t {
  success,
  failure,
  no_budget,
  retry_after_too_long,
  past_deadline,
  would_be_refused
};
inline constexpr std::array<const char*, 6> kRetryNames = {
    "success", "failure", "no_budget", "retry_after_too_long", "past_deadline", "would_be_refused"};

class Circuit {
 public:
  // `settings` must be valid. The registry and the log outlive it.
  Circuit(std::string name, std::string upstream, const RouteSettings& settings, std::uint64_t seed,
          telemetry::Registry& registry, telemetry::Log& log);

  // A worker's pipeline around its calls: the shared policies, with the worker's own retry policy and observer.
  core::Pipeline pipeline(core::RetryPolicy* retry, core::Observer* observer, unsigned shard);
  // Its jitter; nothing without retries.
  std::optional<core::RetryPolicy> make_retry(unsigned worker);

  void count(Event event, unsigned shard) { events_[static_cast<std::size_t>(event)]->add(1, shard); }
  void count(AttemptEnd end, unsigned shard) { attempts_[static_cast<std::size_t>(end)]->add(1, shard); }
  void count(RetryEnd end, unsigned shard) { retries_[static_cast<std::size_t>(end)]->add(1, shard); }
  void count_limited(unsigned shard) { limited_->add(1, shard); }
  std::uint64_t events(Event event) const { return events_[static_cast<std::size_t>(event)]->value(); }
  std::uint64_t attempts(AttemptEnd end) const { return attempts_[static_cast<std::size_t>(end)]->value(); }
  // Counts and logs a change of state.
  void tell(const core::Transition& transition);

  // By hand, and by the clock.
  void force(core::Mode mode, TimePoint now);
  void close(TimePoint now);
  void poll(TimePoint now);
  // Whether load is being shed before it reaches this circuit: then nothing is learned of normal times.
  void follow_shedding(bool shedding);

  // The last change of state, or when the circuit was made.
  TimePoint since(const core::Snapshot& snapshot) const { return std::max(snapshot.since, made_at_); }
  const std::string& name() const { return name_; }
  const std::string& upstream() const { return upstream_; }
  core::Breaker& breaker() { return breaker_; }
  const core::Breaker& breaker() const { return breaker_; }
  // How long a call that starts now may take.
  Duration timeout() const { return adaptive_ ? adaptive_->timeout() : settings_.timeout; }
  // Null with a fixed timeout.
  const core::AdaptiveTimeout* adaptive_timeout() const { return adaptive_ ? &*adaptive_ : nullptr; }
  // Null without a limit.
  const core::ConcurrencyLimit* limit() const { return limit_ ? &*limit_ : nullptr; }

 private:
  void register_metrics(telemetry::Registry& registry);

  const std::string name_;
  const std::string upstream_;
  const RouteSettings settings_;
  const std::uint64_t seed_;
  const TimePoint made_at_ = steady_now();
  telemetry::Log& log_;
  core::Breaker breaker_;
  std::optional<core::AdaptiveTimeout> adaptive_;
  std::optional<core::ConcurrencyLimit> limit_;
  std::optional<core::RetryBudget> budget_;
  std::array<telemetry::Counter*, kEventNames.size()> events_{};
  std::array<telemetry::Counter*, kAttemptNames.size()> attempts_{};
  std::array<telemetry::Counter*, kRetryNames.size()> retries_{};  // with retries
  telemetry::Counter* limited_ = nullptr;                          // with a limit
};

}  // namespace quoll::proxy

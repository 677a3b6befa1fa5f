// Circuit: one breaker with everything that tells of it: the event counters, the log, the state gauge; and the policies
// that bound the same calls.
//
// The breaker decides and says what it did; this is the gate that acts on it and the one place that counts it. Every
// call that is admitted ends in exactly one `Call::finish` or, dropped, as cancelled; every transition is counted once.
//
// Thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "call_policies.h"
#include "quoll/core/breaker.h"
#include "quoll/core/judge.h"
#include "quoll/proxy/options.h"
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

class Circuit;

// One admitted call. Dropped without finish(), it counts as cancelled.
class Call {
 public:
  Call(Circuit& circuit, core::Permit permit, CallPolicies::Place place, unsigned shard)
      : circuit_(&circuit), permit_(std::move(permit)), place_(std::move(place)), shard_(shard) {}
  Call(Call&& other) noexcept
      : circuit_(std::exchange(other.circuit_, nullptr)),
        permit_(std::move(other.permit_)),
        place_(std::move(other.place_)),
        shard_(other.shard_) {}
  Call& operator=(Call&&) = delete;
  ~Call() { cancel(); }

  bool trial() const { return permit_->trial(); }
  void finish(const core::Sample& sample, TimePoint now);
  // Gives the permit and the place back now.
  void cancel();

 private:
  Circuit* circuit_;  // null once finished
  std::optional<core::Permit> permit_;
  CallPolicies::Place place_;
  unsigned shard_;
};

class Circuit {
 public:
  // `settings` must be valid. The registry and the log outlive it.
  Circuit(std::string name, std::string upstream, const RouteSettings& settings, std::uint64_t seed,
          telemetry::Registry& registry, telemetry::Log& log);

  struct Admitted {
    std::optional<Call> call;
    core::Rejection rejection;  // meaningful without a call
  };
  // `place` is what policies().try_enter() gave.
  Admitted admit(CallPolicies::Place place, TimePoint now, unsigned shard);
  void count(Event event, unsigned shard) { events_[static_cast<std::size_t>(event)]->add(1, shard); }
  std::uint64_t events(Event event) const { return events_[static_cast<std::size_t>(event)]->value(); }
  std::uint64_t attempts(AttemptEnd end) const { return attempts_[static_cast<std::size_t>(end)]->value(); }

  // By hand, and by the clock.
  void force(core::Mode mode, TimePoint now);
  void close(TimePoint now);
  void poll(TimePoint now);
  // Whether load is being shed before it reaches this circuit.
  void follow_shedding(bool shedding) { policies_.follow_shedding(shedding); }

  // The last change of state, or when the circuit was made.
  TimePoint since(const core::Snapshot& snapshot) const { return std::max(snapshot.since, made_at_); }
  const std::string& name() const { return name_; }
  const std::string& upstream() const { return upstream_; }
  core::Breaker& breaker() { return breaker_; }
  const core::Breaker& breaker() const { return breaker_; }
  CallPolicies& policies() { return policies_; }
  const CallPolicies& policies() const { return policies_; }

 private:
  friend class Call;
  void finish(core::Permit permit, CallPolicies::Place place, const core::Sample& sample, TimePoint now,
              unsigned shard);
  void emit(const std::optional<core::Transition>& transition);

  std::string name_;
  std::string upstream_;
  TimePoint made_at_ = steady_now();
  telemetry::Log& log_;
  core::Breaker breaker_;
  CallPolicies policies_;
  std::array<telemetry::Counter*, kEventNames.size()> events_{};
  std::array<telemetry::Counter*, kAttemptNames.size()> attempts_{};
};

}  // namespace quoll::proxy

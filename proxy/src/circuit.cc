#include "circuit.h"

namespace quoll::proxy {
namespace {

core::Breaker make_breaker(const core::BreakerOptions& options, std::uint64_t seed, const std::string& name) {
  auto made = core::Breaker::create(options, seed, name);
  QUOLL_ASSERT(made.has_value());
  return std::move(made).value();
}

AttemptEnd end_of(const core::Sample& sample) {
  switch (sample.outcome) {
    case core::Outcome::success:
      return sample.rescued ? AttemptEnd::rescued : AttemptEnd::success;
    case core::Outcome::failure:
      return AttemptEnd::failure;
    case core::Outcome::timeout:
      return AttemptEnd::timeout;
    case core::Outcome::cancelled:
      return AttemptEnd::cancelled;
    case core::Outcome::ignored:
      return AttemptEnd::inconclusive;
  }
  return AttemptEnd::inconclusive;
}

std::optional<Event> event_of(core::Outcome outcome) {
  switch (outcome) {
    case core::Outcome::success:
      return Event::success;
    case core::Outcome::failure:
      return Event::failure;
    case core::Outcome::timeout:
      return Event::timeout;
    case core::Outcome::cancelled:
    case core::Outcome::ignored:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Event> event_of(core::State to) {
  switch (to) {
    case core::State::open:
    case core::State::forced_open:
      return Event::open;
    case core::State::half_open:
      return Event::half_open;
    case core::State::closed:
      return Event::close;
    case core::State::disabled:
    case core::State::metrics_only:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void Call::cancel() {
  Circuit* const circuit = std::exchange(circuit_, nullptr);
  if (circuit == nullptr) return;
  permit_.reset();
  place_ = {};
  circuit->attempts_[static_cast<std::size_t>(AttemptEnd::cancelled)]->add(1, shard_);
}

void Call::finish(const core::Sample& sample, TimePoint now) {
  QUOLL_ASSERT(circuit_ != nullptr);
  std::exchange(circuit_, nullptr)->finish(std::move(*permit_), std::move(place_), sample, now, shard_);
}

Circuit::Circuit(std::string name, std::string upstream, const RouteSettings& settings, std::uint64_t seed,
                 telemetry::Registry& registry, telemetry::Log& log)
    : name_(std::move(name)),
      upstream_(std::move(upstream)),
      log_(log),
      breaker_(make_breaker(settings.breaker, seed, name_)),
      policies_(settings.policies, settings.timeout, name_, seed, registry) {
  for (std::size_t i = 0; i < kEventNames.size(); ++i) {
    events_[i] = &registry.counter("quoll_circuit_events_total", "What circuit breakers did and what they were told.",
                                   {{"circuit", name_}, {"event", kEventNames[i]}});
  }
  for (std::size_t i = 0; i < kAttemptNames.size(); ++i) {
    attempts_[i] = &registry.counter("quoll_attempts_total",
                                     "Calls to an upstream by how they ended; rescued: an answer in time that a "
                                     "timer would have called a timeout.",
                                     {{"circuit", name_}, {"outcome", kAttemptNames[i]}});
  }
  registry.gauge_fn("quoll_circuit_state", "The circuit: 0 closed, 0.5 half-open, 1 open.", {{"circuit", name_}},
                    [this] { return core::gauge(breaker_.state()); });
}

Circuit::Admitted Circuit::admit(CallPolicies::Place place, TimePoint now, unsigned shard) {
  core::Admission admission = breaker_.try_acquire(now, shard);
  if (admission.transition) emit(admission.transition);
  Admitted out;
  if (admission.permit) {
    out.call.emplace(*this, std::move(*admission.permit), std::move(place), shard);
  } else {
    out.rejection = admission.rejection;
    count(Event::reject, shard);
  }
  return out;
}

void Circuit::finish(core::Permit permit, CallPolicies::Place place, const core::Sample& sample, TimePoint now,
                     unsigned shard) {
  attempts_[static_cast<std::size_t>(end_of(sample))]->add(1, shard);
  if (const auto event = event_of(sample.outcome)) count(*event, shard);
  // The policies hear of a trial before the breaker does: what it has shown is known when learning begins anew.
  policies_.learn(std::move(place), sample, permit.trial(), now, shard);
  emit(breaker_.record(std::move(permit), sample, now));
}

void Circuit::force(core::Mode mode, TimePoint now) {
  emit(breaker_.force(mode, now));
}

void Circuit::close(TimePoint now) {
  emit(breaker_.close(now));
}

void Circuit::poll(TimePoint now) {
  emit(breaker_.poll(now));
  policies_.follow(breaker_.state());
}

void Circuit::emit(const std::optional<core::Transition>& transition) {
  if (!transition) return;
  policies_.follow(breaker_.state());
  if (const auto event = event_of(transition->to)) count(*event, 0);
  log_.warn("circuit_state", {{"circuit", name_},
                              {"from", core::to_string(transition->from)},
                              {"to", core::to_string(transition->to)},
                              {"reason", core::to_string(transition->reason)},
                              {"explanation", core::explain(*transition)}});
}

}  // namespace quoll::proxy

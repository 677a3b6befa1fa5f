#include "quoll/proxy/data/circuit.h"

#include "quoll/base/rng.h"

namespace quoll::proxy {
namespace {

core::Breaker make_breaker(const core::BreakerOptions& options, std::uint64_t seed, const std::string& name) {
  auto made = core::Breaker::create(options, seed, name);
  QUOLL_ASSERT(made.has_value());
  return std::move(made).value();
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

Circuit::Circuit(std::string name, std::string upstream, const RouteSettings& settings, std::uint64_t seed,
                 telemetry::Registry& registry, telemetry::Log& log)
    : name_(std::move(name)),
      upstream_(std::move(upstream)),
      settings_(settings),
      seed_(seed),
      log_(log),
      breaker_(make_breaker(settings.breaker, seed, name_)) {
  const CallPolicyOptions& policies = settings_.policies;
  if (policies.timeout == TimeoutKind::adaptive) adaptive_.emplace(policies.adaptive_timeout);
  if (policies.concurrency) limit_.emplace(policies.concurrency_limit);
  if (policies.retries > 0) budget_.emplace(policies.retry_budget);
  register_metrics(registry);
}

void Circuit::register_metrics(telemetry::Registry& registry) {
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
  registry.gauge_fn("quoll_timeout_seconds", "How long a call to the upstream may take now.", {{"circuit", name_}},
                    [this] { return to_seconds(timeout()); });
  for (std::size_t i = 0; budget_ && i < kRetryNames.size(); ++i) {
    retries_[i] = &registry.counter("quoll_retries_total",
                                    "Calls made again, by what became of them, and failed calls that were not.",
                                    {{"circuit", name_}, {"result", kRetryNames[i]}});
  }
  if (!limit_) return;
  registry.gauge_fn("quoll_concurrency_limit", "Calls to the upstream that may be under way at a time.",
                    {{"circuit", name_}}, [this] { return static_cast<double>(limit_->limit()); });
  registry.gauge_fn("quoll_concurrency_in_flight", "Calls to the upstream that are under way.", {{"circuit", name_}},
                    [this] { return static_cast<double>(limit_->in_flight()); });
  limited_ =
      &registry.counter("quoll_concurrency_refused_total",
                        "Calls that were not made because as many as the limit were under way.", {{"circuit", name_}});
}

core::Pipeline Circuit::pipeline(core::RetryPolicy* retry, core::Observer* observer, unsigned shard) {
  return {.retry = retry,
          .concurrency = limit_ ? &*limit_ : nullptr,
          .breaker = &breaker_,
          .timeout = adaptive_ ? &*adaptive_ : nullptr,
          .fixed_timeout = settings_.timeout,
          .shard = shard,
          .observer = observer};
}

std::optional<core::RetryPolicy> Circuit::make_retry(unsigned worker) {
  if (!budget_) return std::nullopt;
  core::RetryOptions options = settings_.policies.retry;
  options.max_attempts = settings_.policies.retries + 1;
  return core::RetryPolicy(options, &*budget_, seed_ ^ splitmix64(worker + 1));
}

void Circuit::force(core::Mode mode, TimePoint now) {
  if (const auto transition = breaker_.force(mode, now)) tell(*transition);
}

void Circuit::close(TimePoint now) {
  if (const auto transition = breaker_.close(now)) tell(*transition);
}

void Circuit::poll(TimePoint now) {
  if (const auto transition = breaker_.poll(now)) tell(*transition);
}

void Circuit::follow_shedding(bool shedding) {
  if (!adaptive_) return;
  if (shedding) {
    adaptive_->pause(core::AdaptiveTimeout::Pause::shedding);
  } else {
    adaptive_->resume(core::AdaptiveTimeout::Pause::shedding);
  }
}

void Circuit::tell(const core::Transition& transition) {
  if (const auto event = event_of(transition.to)) count(*event, 0);
  log_.warn("circuit_state", {{"circuit", name_},
                              {"from", core::to_string(transition.from)},
                              {"to", core::to_string(transition.to)},
                              {"reason", core::to_string(transition.reason)},
                              {"explanation", core::explain(transition)}});
}

}  // namespace quoll::proxy

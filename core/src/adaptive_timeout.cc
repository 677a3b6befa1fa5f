#include "quoll/core/adaptive_timeout.h"

#include <algorithm>
#include <cmath>

#include "faults.h"
#include "quoll/base/assert.h"

namespace quoll::core {

std::vector<std::string> AdaptiveTimeoutOptions::validate() const {
  using std::chrono::hours;
  internal::Faults faults;
  faults.check("quantile", quantile, 0.5, 0.9999);
  faults.check("factor", factor, 1.05, 10.0);
  faults.check("margin", margin, Duration::zero(), std::chrono::minutes(1));
  faults.check("floor", floor, std::chrono::microseconds(100), hours(1));
  faults.check("ceiling", ceiling, std::chrono::microseconds(100), hours(1));
  faults.check_order("ceiling", ceiling, "floor", floor);
  faults.check_order("initial", initial, "floor", floor);
  faults.check_order("ceiling", ceiling, "initial", initial);
  faults.check("window", window, 64U, 60'000U);
  faults.check("warm_up", warm_up, 1U, window);
  faults.check("max_growth", max_growth, 1.1, 100.0);
  faults.check("stale_after", stale_after, std::chrono::seconds(1), hours(24));
  return faults.take();
}

AdaptiveTimeout::AdaptiveTimeout(const AdaptiveTimeoutOptions& options)
    : options_(options),
      timeout_(options.initial.count()),
      clean_(options.quantile, options.window),
      all_(options.quantile, options.window),
      start_(options.initial) {
  QUOLL_ASSERT(options.validate().empty());
}

void AdaptiveTimeout::record(const Sample& sample, TimePoint now, unsigned shard) {
  if (sample.outcome != Outcome::success && sample.outcome != Outcome::timeout) return;
  if (paused_.load(std::memory_order_relaxed) != 0) return;
  const std::uint16_t code = DecayingQuantile::code_of(sample.upstream);
  SampleLanes::Batch batch;
  const bool censored = sample.outcome == Outcome::timeout;
  // A timeout is told at once: it is what a shift or a hang shows itself by.
  if (!censored && lanes_.hold(shard, code, batch)) return;
  if (censored) lanes_.drain(shard, batch);

  const MutexLock lock(mutex_);
  note_time(now);
  for (unsigned i = 0; i < batch.count; ++i) learn_clean(batch.values[i]);
  if (censored) {
    learn_censored(code);
  } else {
    learn_clean(code);
  }
  publish();
}

void AdaptiveTimeout::note_time(TimePoint now) {
  if (last_ && now - *last_ > options_.stale_after) restart();
  if (!last_ || now > *last_) last_ = now;
}

void AdaptiveTimeout::learn_clean(std::uint16_t code) {
  clean_.add(code);
  all_.add(code);
  ++learned_;
  seen_ = std::min(seen_ + 1, options_.warm_up);
  if (excess_ > 0) --excess_;
}

void AdaptiveTimeout::learn_censored(std::uint16_t code) {
  all_.add(code);
  ++censored_;
  seen_ = std::min(seen_ + 1, options_.warm_up);
  excess_ = std::min(excess_ + 1, 64 * options_.window);
}

double AdaptiveTimeout::from(Duration quantile) const {
  return static_cast<double>(quantile.count()) * options_.factor + static_cast<double>(options_.margin.count());
}

void AdaptiveTimeout::publish() {
  const auto start = static_cast<double>(start_.count());
  const double justified = clean_.samples() == 0 ? start : from(clean_.value());
  double timeout = from(all_.value());
  if (timeout > justified) {
    const unsigned steps = 1 + excess_ / options_.window;
    timeout = std::min(timeout, justified * (steps == 1 ? options_.max_growth : std::pow(options_.max_growth, steps)));
  }
  if (seen_ < options_.warm_up) timeout = std::max(timeout, start);
  timeout =
      std::clamp(timeout, static_cast<double>(options_.floor.count()), static_cast<double>(options_.ceiling.count()));
  const auto next = static_cast<std::int64_t>(timeout);
  // Most samples change nothing: then the line that every caller reads is not written.
  if (next != timeout_.load(std::memory_order_relaxed)) timeout_.store(next, std::memory_order_relaxed);
}

void AdaptiveTimeout::record_trial(const Sample& sample) {
  if (sample.outcome != Outcome::success) return;
  const MutexLock lock(mutex_);
  slowest_trial_ = std::max(slowest_trial_, sample.upstream);
}

void AdaptiveTimeout::pause(Pause why) {
  paused_.fetch_or(static_cast<std::uint8_t>(why), std::memory_order_relaxed);
}

void AdaptiveTimeout::resume(Pause why) {
  const auto bit = static_cast<std::uint8_t>(why);
  const std::uint8_t before = paused_.fetch_and(static_cast<std::uint8_t>(~bit), std::memory_order_relaxed);
  if (why != Pause::breaker_open || (before & bit) == 0) return;
  for (unsigned shard = 0; shard < SampleLanes::kShards; ++shard) {
    SampleLanes::Batch old;
    lanes_.drain(shard, old);
  }
  const MutexLock lock(mutex_);
  restart();
  publish();
}

void AdaptiveTimeout::restart() {
  const auto shown = Duration(static_cast<Duration::rep>(from(slowest_trial_)));
  start_ = slowest_trial_ > Duration::zero() ? std::clamp(shown, options_.initial, options_.ceiling) : options_.initial;
  slowest_trial_ = {};
  clean_.clear();
  all_.clear();
  seen_ = 0;
  excess_ = 0;
}

AdaptiveTimeout::Snapshot AdaptiveTimeout::snapshot() const {
  const MutexLock lock(mutex_);
  return {.timeout = timeout(),
          .clean_quantile = clean_.value(),
          .quantile = all_.value(),
          .learned = learned_,
          .censored = censored_,
          .warming_up = seen_ < options_.warm_up,
          .paused = paused_.load(std::memory_order_relaxed) != 0};
}

}  // namespace quoll::core

#include "quoll/core/adaptive_timeout.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/faults.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"

namespace quoll::core {

std::vector<std::string> AdaptiveTimeoutOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  const AdaptiveTimeoutOptions whole = resolved();
  faults.check_order("ceiling", whole.ceiling, "floor", whole.floor);
  faults.check_order("initial", whole.initial, "floor", whole.floor);
  faults.check_order("ceiling", whole.ceiling, "initial", whole.initial);
  faults.check_order("window", whole.window, "warm_up", whole.warm_up);
  return faults.take();
}

AdaptiveTimeoutOptions AdaptiveTimeoutOptions::resolved() const {
  AdaptiveTimeoutOptions moved = *this;
  internal::let_follow({&moved.floor, &moved.initial, &moved.ceiling});
  internal::let_follow({&moved.warm_up, &moved.window});
  return moved;
}

AdaptiveTimeout::AdaptiveTimeout(const AdaptiveTimeoutOptions& options)
    : options_(internal::accepted("AdaptiveTimeout", options)),
      timeout_(options_.initial.count()),
      lanes_(options_.window),
      clean_(options_.quantile, options_.window),
      all_(options_.quantile, options_.window),
      start_(options_.initial) {}

void AdaptiveTimeout::record(const Sample& sample, TimePoint now, unsigned shard) {
  if (sample.outcome != Outcome::success && sample.outcome != Outcome::timeout) return;
  if (paused()) return;
  const std::uint16_t code = DecayingQuantile::code_of(sample.upstream);
  SampleLanes::Batch batch;
  // A timeout is told at once: it is what a shift or a hang shows itself by.
  const bool censored = sample.outcome == Outcome::timeout;
  const bool due = now.time_since_epoch().count() >= due_.load(std::memory_order_relaxed);
  if (censored || due) {
    lanes_.drain(shard, batch);
    if (!censored) batch.push(code, 1);
  } else if (lanes_.hold(shard, code, batch)) {
    return;
  }

  const MutexLock lock(mutex_);
  if (stale(now)) {
    batch.count = 0;
    if (!censored) batch.push(code, 1);
    restart();
  }
  for (unsigned i = 0; i < batch.count; ++i) learn_clean(batch.held[i]);
  if (censored) learn_censored(code);
  publish();
}

// Takes note of the time. True after a pause that makes what was learned worthless.
bool AdaptiveTimeout::stale(TimePoint now) {
  const bool stale = last_ && between(*last_, now) > options_.stale_after;
  if (last_ && now <= *last_) return false;
  last_ = now;
  // Between two times that samples go in, the pause is not seen; so they go in often enough for that to be little.
  due_.store(after(now, options_.stale_after / 16).time_since_epoch().count(), std::memory_order_relaxed);
  return stale;
}

void AdaptiveTimeout::learn_clean(SampleLanes::Held held) {
  clean_.add(held.code, held.weight);
  all_.add(held.code, held.weight);
  learned_ += held.weight;
  seen_ = std::min<unsigned>(seen_ + held.weight, options_.warm_up);
  excess_ -= std::min<unsigned>(excess_, held.weight);
}

void AdaptiveTimeout::learn_censored(std::uint16_t code) {
  all_.add(code);
  ++censored_;
  seen_ = std::min<unsigned>(seen_ + 1, options_.warm_up);
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
  lanes_.set_estimate(clean_.samples() >= options_.window / 2 ? clean_.code() : -1);
}

void AdaptiveTimeout::record_trial(const Sample& sample) {
  if (sample.outcome != Outcome::success) return;
  const MutexLock lock(mutex_);
  slowest_trial_ = std::max(slowest_trial_, sample.upstream);
}

bool AdaptiveTimeout::in_step_slowly(const void* breaker, std::uint8_t paused) const {
  return (paused & kBreakerOpen) == 0 && stopped_by_.load(std::memory_order_relaxed) != breaker;
}

void AdaptiveTimeout::follow(const void* breaker, bool closed) {
  if (in_step(breaker, closed)) return;
  if (!closed) {
    stopped_by_.store(breaker, std::memory_order_relaxed);
    paused_.fetch_or(kBreakerOpen | kWatched, std::memory_order_relaxed);
    return;
  }
  const void* stopped_by = stopped_by_.load(std::memory_order_relaxed);
  if (stopped_by != nullptr && stopped_by != breaker) {
    // Another breaker's outage goes on, and its end will begin the warm-up. Ours may teach meanwhile.
    paused_.fetch_and(static_cast<std::uint8_t>(~kBreakerOpen), std::memory_order_relaxed);
    return;
  }
  stopped_by_.store(nullptr, std::memory_order_relaxed);
  paused_.fetch_and(static_cast<std::uint8_t>(~(kBreakerOpen | kWatched)), std::memory_order_relaxed);
  begin_warm_up();
}

void AdaptiveTimeout::pause(Pause why) {
  paused_.fetch_or(static_cast<std::uint8_t>(why), std::memory_order_relaxed);
}

void AdaptiveTimeout::resume(Pause why) {
  const auto bit = static_cast<std::uint8_t>(why);
  const std::uint8_t before = paused_.fetch_and(static_cast<std::uint8_t>(~bit), std::memory_order_relaxed);
  if (why == Pause::breaker_open && (before & bit) != 0) begin_warm_up();
}

void AdaptiveTimeout::begin_warm_up() {
  const MutexLock lock(mutex_);
  restart();
  publish();
}

void AdaptiveTimeout::restart() {
  for (unsigned shard = 0; shard < SampleLanes::kShards; ++shard) {
    SampleLanes::Batch old;
    lanes_.drain(shard, old);
  }
  const Duration shown = from_nanos(from(slowest_trial_));
  // A call that was refused just before the close may tell of it just after, and stop and begin the learning once more.
  // Nothing has been learned in between, and what the trials have shown still holds.
  if (slowest_trial_ > Duration::zero()) {
    start_ = std::clamp<Duration>(shown, options_.initial, options_.ceiling);
  } else if (all_.samples() != 0) {
    start_ = options_.initial;
  }
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
          .paused = paused()};
}

}  // namespace quoll::core

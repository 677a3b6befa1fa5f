// AdaptiveTimeout: how long to wait for a callee, learned from how long it takes.
//
// Why: a fixed timeout is either so long that a hang holds every caller for it, or so short that a callee which slows
// down for a good reason is cut off. Callees change by the hour; a number in a file does not.
//
//   timeout = clamp(quantile of recent latencies * factor + margin, floor, ceiling), at most the call's deadline
//
// What is learned from: the `upstream` part of samples only (arrival, not when we looked), so that our own stall never
// makes us patient. A success is an exact sample. A timeout is a censored one: the latency was *at least* so long. It
// is recorded at that lower bound, which is enough to rise: with factor > 1, a timeout T that cuts off more than 1 -
// quantile of the calls becomes factor * T + margin, and so on (the doubling of TCP's RTO, RFC 6298 5.5, but only when
// it is more than the tail that is cut off). Leaving timeouts out would be the death spiral: only the calls fast enough
// to pass would be learned from. Failures, cancelled and ignored calls teach nothing: a fast 503 is not speed.
//
// A callee that hangs looks like one that got slower, so censored samples alone may raise the timeout to max_growth
// times what clean samples justify, no more; unless over half of all calls keep timing out: each `window` of excess
// multiplies that bound by max_growth again, up to the ceiling. So an estimate that is far too low cures itself.
//
// Reaction, with the defaults (quantile 0.99, window 512): 6 timeouts, or 6 slow answers and the 3 a thread sets aside,
// after a shift up; 1,792 answers and the 96 a thread sets aside after a shift down (see latency_quantile.h).
//
// Learning stops while a breaker is open or load is shed: what gets through then is not the normal traffic. Trials get
// trial_timeout(). When the breaker closes, what was learned before is dropped and warm-up begins, with a timeout that
// the trials have shown to be enough. A pipeline tells each state that it finds by follow(); a caller that drives the
// breaker itself may use pause() and resume(), but sees only the transitions that its own calls cause.
//
// Thread-safe. timeout() is one load; record() one atomic add on a line of its own, and a lock every 96th time, or
// every fourth of the answers above the estimate.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/defaulted.h"
#include "quoll/core/latency_quantile.h"
#include "quoll/core/outcome.h"

namespace quoll::core {

struct AdaptiveTimeoutOptions {
  double quantile = 0.99;
  double factor = 1.7;
  Duration margin = std::chrono::milliseconds(5);
  Defaulted<Duration> floor = usual(std::chrono::milliseconds(10));
  Defaulted<Duration> ceiling = usual(std::chrono::seconds(5));
  Defaulted<Duration> initial = usual(std::chrono::milliseconds(500));
  Duration trial{};
  Defaulted<unsigned> warm_up = usual(32U);
  Defaulted<unsigned> window = usual(512U);
  double max_growth = 3;
  Duration stale_after = std::chrono::minutes(10);

  static void describe(auto&& field) {
    using O = AdaptiveTimeoutOptions;
    using std::chrono::hours, std::chrono::microseconds;
    field("quantile", &O::quantile, schema::share(0.5, 0.9999),
          "The share of calls that should fit in without the factor. Higher needs a larger window.");
    field(
        "factor", &O::factor, schema::within(1.05, 10),
        "Times the quantile. Below 2, so that with the margin nobody waits over twice the quantile; more if latencies "
        "vary more from minute to minute than within one.");
    field("margin", &O::margin, schema::within(Duration::zero(), std::chrono::minutes(1)),
          "On top: what very fast callees need beside the factor, such as a collection of garbage.");
    field("floor", &O::floor, schema::within(microseconds(100), hours(1)),
          "No timeout is shorter. Follows ceiling or initial if one is less.");
    field("ceiling", &O::ceiling, schema::within(microseconds(100), hours(1)),
          "No timeout is longer. Follows floor or initial if one is more.");
    field(
        "initial", &O::initial, schema::within(microseconds(100), hours(1)),
        "The timeout in warm-up, from floor to ceiling: what you would set as a fixed one. Follows the nearer of them "
        "if it is outside.");
    field("trial", &O::trial, schema::within(microseconds(100), hours(1)).zero_is("ceiling"),
          "The timeout of a half-open breaker's trials, at most ceiling. Set it where a client that happens to be one "
          "should not wait for the ceiling, and the callee answers in less even when it has just come back.");
    field("warm_up", &O::warm_up, schema::within(1, 60'000),
          "Samples before the estimate is believed, at most window, which it follows if that is less.");
    field("window", &O::window, schema::within(64, 60'000),
          "Samples remembered. Larger is steadier and slower to follow. Follows warm_up if that is more.");
    field(
        "max_growth", &O::max_growth, schema::within(1.1, 100),
        "How far timeouts alone may raise it: with the factor, a callee may become factor * max_growth times slower at "
        "once and be followed without a single answer in time.");
    field("stale_after", &O::stale_after, schema::within(std::chrono::seconds(1), hours(24)),
          "A pause in the traffic after which warm-up begins anew.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  AdaptiveTimeoutOptions resolved() const;
};

class AdaptiveTimeout {
 public:
  // Who stopped the learning; several may at once.
  enum class Pause : std::uint8_t { breaker_open = 1, shedding = 2 };

  // `options` must be valid.
  explicit AdaptiveTimeout(const AdaptiveTimeoutOptions& options);

  // For a call that starts now. remaining: what is left of the caller's own deadline; the result is never longer, and
  // zero when nothing is left (do not make the call then).
  Duration timeout(std::optional<Duration> remaining = {}) const {
    return bounded(Duration(timeout_.load(std::memory_order_relaxed)), remaining);
  }
  // For a trial of a half-open breaker: the ceiling, or `trial`. One call that waits long costs little, and one that is
  // cut off by an estimate from before the outage decides wrongly.
  Duration trial_timeout(std::optional<Duration> remaining = {}) const {
    const bool own = options_.trial != Duration::zero() && options_.trial < options_.ceiling;
    return bounded(own ? options_.trial : options_.ceiling, remaining);
  }

  // `sample` must be of a call that had this timeout, a deadline of its own, or a trial's. A timeout under the caller's
  // own shorter deadline is well: it is a lower bound all the same.
  void record(const Sample& sample, TimePoint now, unsigned shard = 0);
  // What became of a trial; the next warm-up will wait for at least that.
  void record_trial(const Sample& sample);

  // `closed`: the breaker lets the normal traffic through, as a call has just found it; disabled and metrics_only count
  // as closed, half_open does not. Stops and begins the learning as needed, whichever call or hand moved the breaker.
  // With several breakers on one timeout, the closing of each begins warm-up, and none keeps the others from learning.
  // Whether there is anything to do is one load while all is well; `breaker` is compared and never looked into.
  bool in_step(const void* breaker, bool closed) const {
    const std::uint8_t paused = paused_.load(std::memory_order_relaxed);
    if (!closed) return (paused & kBreakerOpen) != 0;
    return (paused & (kBreakerOpen | kWatched)) == 0 || in_step_slowly(breaker, paused);
  }
  void follow(const void* breaker, bool closed);

  // Stop and go on. resume(breaker_open) begins warm-up: the callee that comes back may not be the one that left.
  void pause(Pause why);
  void resume(Pause why);

  struct Snapshot {
    Duration timeout{};
    // Of clean samples; and with timeouts at their lower bound. Zero while there are none.
    Duration clean_quantile{};
    Duration quantile{};
    std::uint64_t learned = 0;   // clean samples since the start, those set aside not counted
    std::uint64_t censored = 0;  // timeouts since the start
    bool warming_up = true;
    bool paused = false;
  };
  Snapshot snapshot() const;
  const AdaptiveTimeoutOptions& options() const { return options_; }

 private:
  // Bits of paused_. Watched, beside those of Pause: stopped_by_ is not null.
  static constexpr std::uint8_t kBreakerOpen = static_cast<std::uint8_t>(Pause::breaker_open);
  static constexpr std::uint8_t kWatched = 4;
  bool paused() const { return (paused_.load(std::memory_order_relaxed) & (kWatched - 1U)) != 0; }
  bool in_step_slowly(const void* breaker, std::uint8_t paused) const;
  void begin_warm_up();
  static Duration bounded(Duration timeout, std::optional<Duration> remaining) {
    if (!remaining) return timeout;
    return *remaining < Duration::zero() ? Duration::zero() : *remaining < timeout ? *remaining : timeout;
  }
  void learn_clean(SampleLanes::Held held) QUOLL_REQUIRES(mutex_);
  void learn_censored(std::uint16_t code) QUOLL_REQUIRES(mutex_);
  bool stale(TimePoint now) QUOLL_REQUIRES(mutex_);
  void restart() QUOLL_REQUIRES(mutex_);
  void publish() QUOLL_REQUIRES(mutex_);
  double from(Duration quantile) const;

  const AdaptiveTimeoutOptions options_;
  std::atomic<std::int64_t> timeout_;         // ns
  std::atomic<std::int64_t> due_{INT64_MIN};  // when what is set aside goes in at the latest, ns
  std::atomic<std::uint8_t> paused_{0};
  std::atomic<const void*> stopped_by_{nullptr};  // the breaker whose closing begins warm-up
  SampleLanes lanes_;
  mutable Mutex mutex_;
  DecayingQuantile clean_ QUOLL_GUARDED_BY(mutex_);
  DecayingQuantile all_ QUOLL_GUARDED_BY(mutex_);
  std::uint64_t learned_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t censored_ QUOLL_GUARDED_BY(mutex_) = 0;
  unsigned seen_ QUOLL_GUARDED_BY(mutex_) = 0;    // since warm-up began, up to options_.warm_up
  unsigned excess_ QUOLL_GUARDED_BY(mutex_) = 0;  // timeouts beyond clean samples
  Duration start_ QUOLL_GUARDED_BY(mutex_);       // the timeout in warm-up
  Duration slowest_trial_ QUOLL_GUARDED_BY(mutex_){};
  std::optional<TimePoint> last_ QUOLL_GUARDED_BY(mutex_);
};

}  // namespace quoll::core

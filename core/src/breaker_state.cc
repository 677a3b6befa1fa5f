// What happens when the state changes, and admission in the phases that are not plain. Everything here locks.
#include <algorithm>
#include <cmath>

#include "breaker_core.h"
#include "quoll/base/assert.h"
#include "quoll/base/time_math.h"

namespace quoll::core::internal {

namespace {

constexpr std::uint32_t kMostReopened = 1000;  // further failed half_opens change nothing

Phase phase_of_mode(Mode mode, bool warm) {
  switch (mode) {
    case Mode::automatic:
      break;
    case Mode::forced_open:
      return Phase::forced_open;
    case Mode::disabled:
      return Phase::disabled;
    case Mode::metrics_only:
      return Phase::metrics_only;
  }
  return warm ? Phase::closed : Phase::warming;
}

State state_of_mode(Mode mode) {
  switch (mode) {
    case Mode::automatic:
      return State::closed;
    case Mode::forced_open:
      return State::forced_open;
    case Mode::disabled:
      return State::disabled;
    case Mode::metrics_only:
      return State::metrics_only;
  }
  return State::closed;
}

Phase phase_of_state(State state) {
  switch (state) {
    case State::closed:
      return Phase::closed;
    case State::open:
      return Phase::open;
    case State::half_open:
      return Phase::half_open;
    case State::forced_open:
      return Phase::forced_open;
    case State::disabled:
      return Phase::disabled;
    case State::metrics_only:
      return Phase::metrics_only;
  }
  return Phase::closed;
}

}  // namespace

BreakerCore::BreakerCore(const BreakerOptions& options, std::uint64_t seed, std::string name)
    : state_(state_word(1, phase_of_mode(options.mode, options.warm_up == Duration::zero()))),
      options_(options.resolved()),
      plain_limit_(options.slow_call_threshold > Duration::zero() ? options.slow_call_threshold : Duration::max()),
      window_(options.window, options.window_kind == WindowKind::count ? 0 : options.buckets, options.shards),
      ring_(options.window_kind == WindowKind::count ? std::make_unique<Ring>(options.window_calls) : nullptr),
      patience_(options.half_open_max),
      mode_(options.mode),
      rng_(seed),
      stalls_(options.window),
      ramp_seed_(splitmix64(seed)),
      name_(std::move(name)) {}

State BreakerCore::state() const {
  switch (phase_of(state_.load(std::memory_order_acquire))) {
    case Phase::closed:
    case Phase::warming:
    case Phase::ramping:
      return State::closed;
    case Phase::open:
      return State::open;
    case Phase::half_open:
      return State::half_open;
    case Phase::forced_open:
      return State::forced_open;
    case Phase::disabled:
      return State::disabled;
    case Phase::metrics_only:
      return State::metrics_only;
  }
  return State::closed;
}

Admission BreakerCore::acquire_slowly(std::uint64_t word, TimePoint now, unsigned shard) {
  switch (phase_of(word)) {
    case Phase::forced_open:
      return reject(RejectionReason::forced_open, Duration::zero(), shard, now);
    case Phase::warming:
      return acquire_warming(word, now, shard);
    case Phase::ramping:
      return acquire_ramping(word, now, shard);
    case Phase::half_open:
      return acquire_trial(now, shard);
    case Phase::open: {
      const MutexLock lock(mutex_);
      if (state_.load(std::memory_order_relaxed) != word) break;
      const Transition transition = move_to(State::half_open, Reason::reset_timeout, now);
      trials_in_flight_.store(1, std::memory_order_relaxed);
      Admission admission(permit(state_.load(std::memory_order_relaxed), shard, true, now));
      admission.transition = transition;
      return admission;
    }
    default:
      break;
  }
  // The state changed under our eyes: ask again.
  return try_acquire(now, shard);
}

Admission BreakerCore::acquire_warming(std::uint64_t word, TimePoint now, unsigned shard) {
  const std::int64_t at = now.time_since_epoch().count();
  const std::int64_t until = until_.load(std::memory_order_relaxed);
  if (until == kForever || at >= until) {
    const MutexLock lock(mutex_);
    if (state_.load(std::memory_order_relaxed) == word) {
      const std::int64_t current = until_.load(std::memory_order_relaxed);
      if (current == kForever) {  // the very first call
        until_.store(end_of(options_.warm_up, now), std::memory_order_relaxed);
      } else if (at >= current) {
        become_plainly_closed();
        empty_window();
      }
    }
  }
  return Admission(permit(word, shard, false, now));
}

double BreakerCore::ramp_share(TimePoint now) const {
  const std::int64_t until = until_.load(std::memory_order_relaxed);
  const auto left = static_cast<double>(subtract_saturating(until, now.time_since_epoch().count()));
  const double done = 1 - left / static_cast<double>(options_.ramp.count());
  return std::clamp(options_.ramp_start + (1 - options_.ramp_start) * done, options_.ramp_start, 1.0);
}

Admission BreakerCore::acquire_ramping(std::uint64_t word, TimePoint now, unsigned shard) {
  const Duration left(subtract_saturating(until_.load(std::memory_order_acquire), now.time_since_epoch().count()));
  if (left <= Duration::zero()) {
    const MutexLock lock(mutex_);
    if (state_.load(std::memory_order_relaxed) == word) become_plainly_closed();
    return Admission(permit(word, shard, false, now));
  }
  // The n-th call of a ramp draws the n-th number of the seed, whatever thread it is on.
  const std::uint64_t number = ramp_calls_.fetch_add(1, std::memory_order_relaxed);
  const double draw = static_cast<double>(splitmix64(ramp_seed_ + number) >> 11U) * 0x1p-53;
  if (draw < ramp_share(now)) return Admission(permit(word, shard, false, now));
  return reject(RejectionReason::ramp, std::min(left, options_.ramp / 10), shard, now);
}

Admission BreakerCore::acquire_trial(TimePoint now, unsigned shard) {
  const bool full = trials_in_flight_.load(std::memory_order_relaxed) >= options_.half_open_permits;
  const bool overdue = now.time_since_epoch().count() >= until_.load(std::memory_order_relaxed);
  if (full && !overdue) return reject(RejectionReason::half_open_full, Duration::zero(), shard, now);
  {
    const MutexLock lock(mutex_);
    const std::uint64_t word = state_.load(std::memory_order_relaxed);
    if (phase_of(word) == Phase::half_open) {
      if (const std::optional<Transition> transition = expire(now)) {
        Admission refused = reject(RejectionReason::open, transition->evidence.open_for, shard, now);
        refused.transition = transition;
        return refused;
      }
      const std::uint32_t in_flight = trials_in_flight_.load(std::memory_order_relaxed);
      if (in_flight >= options_.half_open_permits) {
        return reject(RejectionReason::half_open_full, Duration::zero(), shard, now);
      }
      if (in_flight == 0) until_.store(end_of(patience_, now), std::memory_order_relaxed);
      trials_in_flight_.store(in_flight + 1, std::memory_order_relaxed);
      return Admission(permit(word, shard, true, now));
    }
  }
  return try_acquire(now, shard);
}

std::optional<Transition> BreakerCore::record_trial(std::uint32_t generation, unsigned shard, const Tally& tally,
                                                    TimePoint now) {
  const MutexLock lock(mutex_);
  const bool call = tally.delta[kCalls / 2] != 0;
  const bool failed = tally.delta[kFailed / 2] > kHigh;
  const bool slow = (tally.delta[kSlow / 2] & kLow) != 0;
  const bool stale = generation_of(state_.load(std::memory_order_relaxed)) != generation;
  if (!stale) trials_in_flight_.fetch_sub(1, std::memory_order_relaxed);
  if (stale || ring_ == nullptr) {
    add_current(generation, shard, tally, now);
  } else {
    window_.add_direct(shard, tally);
    ring_->push(tally);
  }
  if (stale) {
    if (call && !failed && !slow) learn_patience(generation, now);
    return std::nullopt;
  }
  if (call && failed) return move_to(State::open, Reason::trial_failed, now);
  if (call && slow) return move_to(State::open, Reason::trial_slow, now);
  if (call && ++trials_succeeded_ >= options_.half_open_successes) {
    return move_to(State::closed, Reason::trials_succeeded, now);
  }
  trial_ended(call ? std::optional(now) : std::nullopt);
  return std::nullopt;
}

// half_open_max is for trials that never report, so it runs while one is under way, and anew from each success.
void BreakerCore::trial_ended(std::optional<TimePoint> succeeded) {
  if (trials_in_flight_.load(std::memory_order_relaxed) == 0) {
    until_.store(kForever, std::memory_order_relaxed);
  } else if (succeeded) {
    until_.store(end_of(patience_, *succeeded), std::memory_order_relaxed);
  }
}

// A trial of this outage succeeded after its half_open had expired. It decides nothing any more, but it was slow and
// not lost: the trial under way, and the next ones, are given twice its time. That is at most the time since its
// half_open began, which the journal knows; if it has forgotten, as far back as it goes.
void BreakerCore::learn_patience(std::uint32_t generation, TimePoint now) {
  constexpr Duration kLongest = std::chrono::hours(24);
  TimePoint began = now;
  for (std::uint64_t i = sequence_; i > 0 && i + journal_.size() > sequence_; --i) {
    const JournalEntry& entry = journal_[(i - 1) % journal_.size()];
    if (entry.reason != Reason::half_open_expired && entry.reason != Reason::reset_timeout) {
      return;  // decided since: it is of an earlier outage, or a later trial failed
    }
    began = entry.at;
    if (entry.generation == generation) break;
  }
  const Duration shown = std::min(2 * std::clamp(between(began, now), Duration::zero(), kLongest), kLongest);
  if (options_.half_open_max == Duration::zero() || shown <= patience_) return;
  const std::int64_t until = until_.load(std::memory_order_relaxed);
  const bool trying = phase_of(state_.load(std::memory_order_relaxed)) == Phase::half_open && until != kForever;
  if (trying) until_.store(add_saturating(until, (shown - patience_).count()), std::memory_order_relaxed);
  patience_ = shown;
}

void BreakerCore::cancel(const Permit& dropped) {
  // Never a call, whatever cancelled outcomes count as: there is no time to judge it by, and nobody to tell.
  Tally tally;
  tally.delta[kDropped / 2] = kHigh;
  if (!dropped.trial_ && ring_ == nullptr) {
    add_current(dropped.generation_, dropped.shard_, tally, dropped.given_at_, When::latest);
    return;
  }
  const MutexLock lock(mutex_);
  const std::uint64_t word = state_.load(std::memory_order_relaxed);
  const bool stale = generation_of(word) != dropped.generation_;
  if (!stale && dropped.trial_) {
    trials_in_flight_.fetch_sub(1, std::memory_order_relaxed);
    trial_ended(std::nullopt);
  }
  if (stale || ring_ == nullptr) {
    add_current(dropped.generation_, dropped.shard_, tally, dropped.given_at_, When::latest);
  } else {
    window_.add_direct(dropped.shard_, tally);
    if (phase_of(word) != Phase::disabled) ring_->push(tally);
  }
}

Duration BreakerCore::next_open_time() {
  const auto cap = static_cast<double>(options_.reset_timeout_max.count());
  // Infinity is cut by the cap.
  const double growth = std::pow(options_.reset_multiplier, reopened_);
  double open_for = std::min(static_cast<double>(options_.reset_timeout.count()) * growth, cap);
  if (options_.reset_jitter > 0) open_for *= 1 + options_.reset_jitter * (2 * rng_.uniform() - 1);
  return Duration(static_cast<Duration::rep>(std::clamp(open_for, 1.0, cap)));
}

Transition BreakerCore::move_to(State to, Reason reason, TimePoint now) {
  JournalEntry entry;
  entry.at = now;
  entry.from = state();
  entry.to = to;
  entry.reason = reason;
  entry.counts = window_counts(now);
  entry.consecutive = consecutive();
  entry.trials_succeeded = static_cast<std::uint16_t>(trials_succeeded_);
  entry.stall_micros = stalls_.longest_micros(now);
  ++sequence_;
  entry.generation = generation_of(state_.load(std::memory_order_relaxed)) + 1;

  Phase phase = phase_of_state(to);
  Duration lasts{};
  if (to == State::open) {
    reopened_ = entry.from == State::half_open ? std::min(reopened_ + 1, kMostReopened) : 0;
    lasts = entry.open_for = next_open_time();
    ++opened_;
  } else if (to == State::half_open) {
    lasts = patience_;
    ++half_opened_;
  } else if (to == State::closed) {
    if (reason == Reason::trials_succeeded && options_.ramp > Duration::zero()) {
      phase = Phase::ramping;
      lasts = options_.ramp;
    }
    ++closed_;
  }
  if (to != State::open && to != State::half_open) patience_ = options_.half_open_max;
  trials_in_flight_.store(0, std::memory_order_relaxed);
  trials_succeeded_ = 0;
  ramp_calls_.store(0, std::memory_order_relaxed);
  until_.store(end_of(lasts, now), std::memory_order_release);
  state_.store(state_word(entry.generation, phase), std::memory_order_release);
  since_ = now;
  empty_window();
  journal_[(sequence_ - 1) % journal_.size()] = entry;
  return unpack(entry, sequence_);
}

// Zero is without end.
std::int64_t BreakerCore::end_of(Duration span, TimePoint now) {
  return span > Duration::zero() ? after(now, span).time_since_epoch().count() : kForever;
}

void BreakerCore::empty_window() {
  // Before the clearing: a call that is counted after it must not lose its note.
  consecutive_.store(0, std::memory_order_relaxed);
  suspicion_.store(kUnsuspected);
  window_.clear();
  if (ring_ == nullptr) return;
  ring_->clear();
  rejected_before_ = window_.totals()[kRejected];
}

void BreakerCore::become_plainly_closed() {
  const std::uint32_t generation = generation_of(state_.load(std::memory_order_relaxed));
  until_.store(kForever, std::memory_order_relaxed);
  state_.store(state_word(generation, Phase::closed), std::memory_order_release);
}

std::optional<Transition> BreakerCore::expire(TimePoint now) {
  if (now.time_since_epoch().count() < until_.load(std::memory_order_relaxed)) return std::nullopt;
  return move_to(State::open, Reason::half_open_expired, now);
}

std::optional<Transition> BreakerCore::force(Mode mode, TimePoint now) {
  const MutexLock lock(mutex_);
  if (mode == mode_) return std::nullopt;
  mode_ = mode;
  return move_to(state_of_mode(mode), Reason::by_hand, now);
}

std::optional<Transition> BreakerCore::close(TimePoint now) {
  const MutexLock lock(mutex_);
  if (state() == State::closed) return std::nullopt;
  mode_ = Mode::automatic;
  return move_to(State::closed, Reason::by_hand, now);
}

std::optional<Transition> BreakerCore::open(TimePoint now) {
  const MutexLock lock(mutex_);
  if (state() == State::open) return std::nullopt;
  mode_ = Mode::automatic;
  return move_to(State::open, Reason::by_hand, now);
}

std::optional<Transition> BreakerCore::poll(TimePoint now) {
  window_.note_time(now);
  const std::int64_t at = now.time_since_epoch().count();
  if (at < until_.load(std::memory_order_relaxed)) return std::nullopt;
  const MutexLock lock(mutex_);
  if (at < until_.load(std::memory_order_relaxed)) return std::nullopt;
  switch (phase_of(state_.load(std::memory_order_relaxed))) {
    case Phase::half_open:
      return expire(now);
    case Phase::ramping:
      become_plainly_closed();
      return std::nullopt;
    case Phase::warming:
      become_plainly_closed();
      empty_window();
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace quoll::core::internal

// The breaker against a model that a reader can check by eye: every sample is kept in a list, every rate is counted
// anew, every rule is asked after every call. No atomics, no versions, no short ways.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "breaker_arbitrary.h"
#include "quoll/base/rng.h"
#include "quoll/core/breaker.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Event {
  std::int64_t tick = 0;
  bool call = false;
  bool failed = false;
  bool slow = false;
  bool rescued = false;
  bool rejected = false;
  Outcome outcome = Outcome::success;
};

struct ModelPermit {
  std::uint32_t generation;
  bool trial;
  TimePoint given_at;
};

State state_of(Mode mode) {
  return std::array{State::closed, State::forced_open, State::disabled,
                    State::metrics_only}[static_cast<std::size_t>(mode)];
}

class Model {
 public:
  explicit Model(const BreakerOptions& options) : options_(options), patience_(options.half_open_max) {
    mode = options.mode;
    state = state_of(mode);
    warming_ = mode == Mode::automatic && options.warm_up > Duration::zero();
  }

  std::optional<ModelPermit> try_acquire(TimePoint now) {
    transition.reset();
    if (warming_) {
      if (!warm_until_) {
        warm_until_ = now + options_.warm_up;
      } else if (now >= *warm_until_) {
        end_warm_up();
      }
    }
    if (state == State::open && now >= until) {
      move_to(State::half_open, Reason::reset_timeout, now);
      trials = 1;
      return ModelPermit{generation, true, now};
    }
    if (state == State::half_open && expire(now)) return reject(RejectionReason::open, until - now, now);
    switch (state) {
      case State::open:
        return reject(RejectionReason::open, until - now, now);
      case State::forced_open:
        return reject(RejectionReason::forced_open, {}, now);
      case State::half_open:
        if (trials >= options_.half_open_permits) return reject(RejectionReason::half_open_full, {}, now);
        if (trials++ == 0) patient_since(now);
        return ModelPermit{generation, true, now};
      default:
        return ModelPermit{generation, false, now};
    }
  }

  void record(const ModelPermit& permit, const Sample& sample, TimePoint now) {
    transition.reset();
    note_time(now);
    const Event event = event_of(sample, tick_of(now));
    count_totals(event);
    if (permit.generation != generation) {
      ++totals.stale;
      if (permit.trial && event.call && !event.failed && !event.slow) learn_patience(permit, now);
      return;
    }
    if (permit.trial) --trials;
    if (state == State::half_open && trials == 0) until = TimePoint::max();
    if (state == State::disabled) return;
    window_.push_back(event);
    if (!event.call) return;
    consecutive_ = event.failed ? consecutive_ + 1 : 0;
    if (state == State::half_open) {
      if (event.failed) return move_to(State::open, Reason::trial_failed, now);
      if (event.slow) return move_to(State::open, Reason::trial_slow, now);
      if (++successes == options_.half_open_successes) return move_to(State::closed, Reason::trials_succeeded, now);
      if (trials != 0) patient_since(now);
    } else if (state == State::closed && !warming_) {
      evaluate(now);
    }
  }

  void drop(const ModelPermit& permit) {
    last_tick_ = std::max(last_tick_, tick_of(permit.given_at));
    const Event event{.tick = last_tick_, .outcome = Outcome::cancelled};
    count_totals(event);
    if (permit.generation != generation) {
      ++totals.stale;
      return;
    }
    if (permit.trial && --trials == 0) until = TimePoint::max();
    if (state != State::disabled) window_.push_back(event);
  }

  void force(Mode wanted, TimePoint now) {
    transition.reset();
    if (mode == wanted) return;
    mode = wanted;
    move_to(state_of(wanted), Reason::by_hand, now);
  }
  void close(TimePoint now) {
    transition.reset();
    if (state == State::closed) return;
    mode = Mode::automatic;
    move_to(State::closed, Reason::by_hand, now);
  }
  void poll(TimePoint now) {
    transition.reset();
    note_time(now);
    if (warming_ && warm_until_ && now >= *warm_until_) end_warm_up();
    if (state == State::half_open) expire(now);
  }

  WindowCounts counts(TimePoint now) const {
    WindowCounts sums;
    std::uint32_t calls = 0;
    for (auto event = window_.rbegin(); event != window_.rend(); ++event) {
      if (options_.window_kind == WindowKind::count) {
        if (event->call && ++calls > options_.window_calls) continue;
      } else if (event->tick <= tick_of(now) - static_cast<std::int64_t>(options_.buckets)) {
        continue;
      }
      // Rescues of samples that are no call are not kept by a count window.
      sums.rescued += event->rescued && (event->call || options_.window_kind != WindowKind::count) ? 1 : 0;
      sums.calls += event->call ? 1 : 0;
      sums.failed_calls += event->failed ? 1 : 0;
      sums.slow += event->slow ? 1 : 0;
      if (event->rejected) {
        ++sums.rejected;
        continue;
      }
      // Nor are their outcomes, failures = nothing and the like.
      if (!event->call && options_.window_kind == WindowKind::count && event->outcome < Outcome::cancelled) continue;
      ++*std::array{&sums.success, &sums.failure, &sums.timeout, &sums.cancelled,
                    &sums.ignored}[static_cast<std::size_t>(event->outcome)];
    }
    return sums;
  }

  State state = State::closed;
  Mode mode = Mode::automatic;
  std::uint32_t generation = 1;
  std::uint32_t trials = 0;
  std::uint32_t successes = 0;
  TimePoint until{};
  Rejection rejection;
  LifetimeTotals totals;
  struct Moved {
    State from;
    State to;
    Reason reason;
    WindowCounts counts;
    Duration open_for;
  };
  std::optional<Moved> transition;

 private:
  std::int64_t tick_of(TimePoint now) const {
    return now.time_since_epoch().count() / (options_.window.count() / options_.buckets);
  }
  // A dropped permit has no time but the latest that the breaker was told.
  void note_time(TimePoint now) { last_tick_ = tick_of(now); }
  // From now on a trial under way may take so long.
  void patient_since(TimePoint now) {
    until = options_.half_open_max == Duration::zero() ? TimePoint::max() : now + patience_;
  }
  // A trial that succeeds after its half_open expired: it took at most the time since that began.
  void learn_patience(const ModelPermit& permit, TimePoint now) {
    const auto began = half_opens_.find(permit.generation);
    if (began == half_opens_.end()) return;
    const Duration shown = 2 * (now - began->second);
    if (options_.half_open_max == Duration::zero() || shown <= patience_) return;
    if (state == State::half_open && until != TimePoint::max()) until += shown - patience_;
    patience_ = shown;
  }

  Event event_of(const Sample& sample, std::int64_t tick) const {
    CountAs as = CountAs::success;
    if (sample.outcome == Outcome::failure) as = options_.failures;
    if (sample.outcome == Outcome::timeout) as = options_.timeouts;
    if (sample.outcome == Outcome::cancelled) as = options_.cancellations;
    if (sample.outcome == Outcome::ignored) as = CountAs::nothing;
    const bool call = as != CountAs::nothing;
    const bool slow =
        call && options_.slow_call_threshold > Duration::zero() && sample.upstream > options_.slow_call_threshold;
    return {tick, call, as == CountAs::failure, slow, sample.rescued, false, sample.outcome};
  }
  void count_totals(const Event& event) {
    ++*std::array{&totals.success, &totals.failure, &totals.timeout, &totals.cancelled,
                  &totals.ignored}[static_cast<std::size_t>(event.outcome)];
    totals.slow += event.slow ? 1 : 0;
    totals.rescued += event.rescued ? 1 : 0;
  }
  std::optional<ModelPermit> reject(RejectionReason reason, Duration after, TimePoint now) {
    rejection = {reason, after};
    ++totals.rejected;
    note_time(now);
    window_.push_back({.tick = tick_of(now), .rejected = true});
    return std::nullopt;
  }
  bool expire(TimePoint now) {
    if (now < until) return false;
    move_to(State::open, Reason::half_open_expired, now);
    return true;
  }
  void evaluate(TimePoint now) {
    const WindowCounts sums = counts(now);
    if (options_.consecutive_failures > 0 && consecutive_ >= options_.consecutive_failures) {
      return move_to(State::open, Reason::consecutive_failures, now);
    }
    if (options_.window_kind == WindowKind::consecutive || sums.calls < options_.minimum_volume) return;
    if (sums.failure_rate() >= options_.failure_rate_threshold) return move_to(State::open, Reason::failure_rate, now);
    if (options_.slow_call_threshold > Duration::zero() && sums.slow_rate() >= options_.slow_call_rate_threshold) {
      move_to(State::open, Reason::slow_call_rate, now);
    }
  }
  void end_warm_up() {
    warming_ = false;
    window_.clear();
    consecutive_ = 0;
  }
  void move_to(State to, Reason reason, TimePoint now) {
    transition = Moved{state, to, reason, counts(now), {}};
    if (to == State::open) {
      reopened_ = state == State::half_open ? reopened_ + 1 : 0;
      Duration open_for = options_.reset_timeout;
      for (int i = 0; i < reopened_; ++i) {
        open_for =
            std::min<Duration>(open_for * static_cast<int>(options_.reset_multiplier), options_.reset_timeout_max);
      }
      transition->open_for = open_for;
      until = now + open_for;
      ++totals.opened;
    } else if (to == State::half_open) {
      patient_since(now);
      half_opens_[generation + 1] = now;
      ++totals.half_opened;
    } else if (to == State::closed) {
      ++totals.closed;
    }
    if (to != State::half_open && reason != Reason::half_open_expired) half_opens_.clear();
    if (to != State::half_open && to != State::open) patience_ = options_.half_open_max;
    state = to;
    ++generation;
    trials = successes = 0;
    warming_ = false;
    window_.clear();
    consecutive_ = 0;
  }

  BreakerOptions options_;
  std::int64_t last_tick_ = 0;
  Duration patience_;
  std::map<std::uint32_t, TimePoint> half_opens_;  // of this outage, by generation
  std::deque<Event> window_;
  std::uint32_t consecutive_ = 0;
  int reopened_ = 0;
  bool warming_ = false;
  std::optional<TimePoint> warm_until_;
};

void same_transition(const std::optional<Transition>& real, const Model& model, TimePoint now) {
  RC_ASSERT(real.has_value() == model.transition.has_value());
  if (!real) return;
  RC_ASSERT(real->at == now);
  RC_ASSERT(real->from == model.transition->from);
  RC_ASSERT(real->to == model.transition->to);
  RC_ASSERT(real->reason == model.transition->reason);
  RC_ASSERT(real->generation == model.generation);
  RC_ASSERT(real->evidence.open_for == model.transition->open_for);
  RC_ASSERT(text(real->evidence.counts) == text(model.transition->counts));
}

void same_state(const Breaker& breaker, const Model& model, TimePoint now) {
  const Snapshot snapshot = breaker.snapshot(now);
  RC_ASSERT(snapshot.state == model.state);
  RC_ASSERT(snapshot.mode == model.mode);
  RC_ASSERT(snapshot.generation == model.generation);
  RC_ASSERT(snapshot.trials_in_flight == model.trials);
  RC_ASSERT(snapshot.trials_succeeded == model.successes);
  RC_ASSERT(text(snapshot.counts) == text(model.counts(now)));
  RC_ASSERT(snapshot.latency_samples <= snapshot.counts.calls);
  const auto numbers = [](const LifetimeTotals& totals) {
    return std::vector<std::uint64_t>{totals.success, totals.failure, totals.timeout,     totals.cancelled,
                                      totals.ignored, totals.slow,    totals.rescued,     totals.rejected,
                                      totals.stale,   totals.opened,  totals.half_opened, totals.closed};
  };
  RC_ASSERT(numbers(snapshot.totals) == numbers(model.totals));
}

// What to do, with whom, and how much.
using Step = std::tuple<std::uint8_t, std::uint8_t, std::uint16_t>;

void run(const BreakerOptions& options, const std::vector<Step>& steps) {
  testing::ManualClock clock;
  Breaker breaker = Breaker::create(options, 1).value();
  Model model(options);
  std::vector<std::pair<Permit, ModelPermit>> held;
  for (const auto& [what, who, amount] : steps) {
    const TimePoint now = clock.now();
    const unsigned kind = what % 16;
    if (kind < 6 || held.empty()) {
      const unsigned shard = who % options.shards;
      Admission admission = breaker.try_acquire(now, shard);
      const auto expected = model.try_acquire(now);
      RC_ASSERT(admission.admitted() == expected.has_value());
      same_transition(admission.transition, model, now);
      if (expected) {
        RC_ASSERT(admission.permit->trial() == expected->trial);
        held.emplace_back(std::move(*admission.permit), *expected);
      } else {
        RC_ASSERT(admission.rejection.reason == model.rejection.reason);
        RC_ASSERT(admission.rejection.retry_after == model.rejection.retry_after);
      }
    } else if (kind < 12) {
      const std::size_t at = who % held.size();
      const Outcome outcome = std::array{Outcome::success, Outcome::failure, Outcome::timeout, Outcome::cancelled,
                                         Outcome::ignored, Outcome::success, Outcome::failure}[amount % 7];
      const Sample sample{outcome, milliseconds(amount % 97), Duration::zero(), amount % 11 == 0};
      const auto transition = breaker.record(std::move(held[at].first), sample, now);
      model.record(held[at].second, sample, now);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      same_transition(transition, model, now);
    } else if (kind == 12) {
      const std::size_t at = who % held.size();
      model.drop(held[at].second);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (kind == 13) {
      clock.advance(milliseconds(amount % 2 == 0 ? amount % 100 : amount % 7000));
    } else if (kind == 14) {
      const auto transition = breaker.poll(now);
      model.poll(now);
      same_transition(transition, model, now);
    } else if (who % 4 == 0) {
      const Mode mode = std::array{Mode::automatic, Mode::automatic, Mode::forced_open, Mode::disabled,
                                   Mode::metrics_only}[amount % 5];
      const auto transition = amount % 9 == 0 ? breaker.close(now) : breaker.force(mode, now);
      if (amount % 9 == 0) {
        model.close(now);
      } else {
        model.force(mode, now);
      }
      same_transition(transition, model, now);
    }
    same_state(breaker, model, clock.now());
  }
}

TEST(BreakerModel, DoesWhatTheModelDoes) {
  EXPECT_TRUE(rc::check([] {
    const BreakerOptions options = arbitrary_options();
    RC_ASSERT(options.validate().empty());
    run(options, *rc::gen::resize(300, rc::gen::arbitrary<std::vector<Step>>()));
  }));
}

// Long runs with few kinds of steps reach what short ones do not: full windows, many turns, grown reset times.
TEST(BreakerModel, DoesWhatTheModelDoesInLongRuns) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    const BreakerOptions options = arbitrary_options();
    std::vector<Step> steps;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t draw = rng.next();
      steps.emplace_back(static_cast<std::uint8_t>(draw), static_cast<std::uint8_t>(draw >> 8U),
                         static_cast<std::uint16_t>(draw >> 16U));
    }
    run(options, steps);
  }));
}

}  // namespace
}  // namespace quoll::core

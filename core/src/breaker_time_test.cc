// The breaker at any time of the clock, at the ends of its options' ranges, and with trials that take their time.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "breaker_rig.h"

namespace quoll::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// What becomes of a breaker whose callee answers each trial well after `takes`, with a poll and a call each second.
Duration time_to_close(const BreakerOptions& options, Duration takes, Duration give_up = hours(2)) {
  Rig rig(options);
  rig.trip();
  struct Trial {
    Permit permit;
    TimePoint answers;
  };
  std::vector<Trial> trials;
  const TimePoint start = rig.clock.now();
  while (rig.clock.now() - start < give_up) {
    const TimePoint now = rig.clock.advance(std::min<Duration>(seconds(1), takes / 4));
    (void)rig.breaker.poll(now);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (trials[i].answers > now) continue;
      (void)rig.breaker.record(std::move(trials[i].permit), kSuccess, now);
      trials.erase(trials.begin() + static_cast<std::ptrdiff_t>(i--));
    }
    if (rig.breaker.state() == State::closed) return now - start;
    Admission admission = rig.breaker.try_acquire(now);
    if (admission) trials.push_back({std::move(*admission.permit), now + takes});
  }
  return Duration::max();
}

// The bug this guards against: each half_open expired before its trial reported, for ever.
TEST(BreakerTrials, ACalleeThatAnswersWellAfter35SecondsClosesTheCircuit) {
  EXPECT_LE(time_to_close({}, seconds(35)), minutes(2));
  EXPECT_LE(time_to_close({.half_open_successes = 3}, seconds(35)), minutes(4));
  EXPECT_LE(time_to_close({.half_open_permits = 3, .half_open_successes = 3}, seconds(35)), minutes(2));
  EXPECT_LE(time_to_close({}, minutes(20)), hours(1));
  EXPECT_LE(time_to_close({.reset_timeout = milliseconds(1), .half_open_max = milliseconds(1)}, seconds(4)),
            seconds(20));
  EXPECT_LE(time_to_close({.reset_multiplier = 2}, minutes(3)), minutes(20));
}

TEST(BreakerTrials, ALateSuccessDecidesNothingAndGivesTheNextTrialTwiceItsTime) {
  Rig rig({.half_open_max = seconds(30)});
  rig.trip();
  Permit late = rig.first_trial();
  rig.clock.advance(seconds(30));
  ASSERT_EQ(rig.breaker.poll(rig.clock.now())->reason, Reason::half_open_expired);
  rig.clock.advance(seconds(4));
  EXPECT_FALSE(rig.breaker.record(std::move(late), kSuccess, rig.clock.now()));
  EXPECT_EQ(rig.breaker.state(), State::open);
  const Permit trial = rig.first_trial();
  EXPECT_EQ(rig.snapshot().remaining, seconds(68));
}

TEST(BreakerTrials, ALateSuccessGivesTheTrialUnderWayMoreTime) {
  Rig rig({.half_open_max = seconds(30)});
  rig.trip();
  Permit late = rig.first_trial();
  rig.clock.advance(seconds(30));
  ASSERT_TRUE(rig.breaker.poll(rig.clock.now()));
  Permit trial = rig.first_trial();
  EXPECT_EQ(rig.snapshot().remaining, seconds(30));
  EXPECT_FALSE(rig.breaker.record(std::move(late), kSuccess, rig.clock.now()));
  EXPECT_EQ(rig.snapshot().remaining, seconds(70)) << "it took 35 s";
  rig.clock.advance(seconds(69));
  EXPECT_FALSE(rig.breaker.poll(rig.clock.now()));
  EXPECT_EQ(rig.breaker.record(std::move(trial), kSuccess, rig.clock.now())->to, State::closed);
  rig.trip();
  const Permit next = rig.first_trial();
  EXPECT_EQ(rig.snapshot().remaining, seconds(30)) << "another outage, another patience";
}

TEST(BreakerTrials, TrialsThatNeverReportAreGivenNoMoreTimeThanTheFirst) {
  Rig rig({.half_open_max = seconds(30)});
  rig.trip();
  std::vector<Permit> lost;
  for (int i = 0; i < 50; ++i) {
    lost.push_back(rig.first_trial());
    EXPECT_EQ(rig.snapshot().remaining, seconds(30));
    rig.clock.advance(seconds(30));
    ASSERT_TRUE(rig.breaker.poll(rig.clock.now()));
  }
}

TEST(BreakerTrials, ALateFailureTeachesNoPatienceAndNorDoesATrialOfAnEarlierOutage) {
  Rig rig({.half_open_max = seconds(30)});
  rig.trip();
  Permit failed = rig.first_trial();
  Permit old = [&] {
    rig.clock.advance(seconds(30));
    EXPECT_TRUE(rig.breaker.poll(rig.clock.now()));
    return rig.first_trial();
  }();
  EXPECT_FALSE(rig.breaker.record(std::move(failed), kFailure, rig.clock.now()));
  EXPECT_EQ(rig.snapshot().remaining, seconds(30));
  rig.clock.advance(seconds(30));
  ASSERT_TRUE(rig.breaker.poll(rig.clock.now()));
  ASSERT_EQ(rig.finish_trial(kFailure)->reason, Reason::trial_failed);  // newer evidence
  EXPECT_FALSE(rig.breaker.record(std::move(old), kSuccess, rig.clock.now()));
  const Permit trial = rig.first_trial();
  EXPECT_EQ(rig.snapshot().remaining, seconds(30));
}

// The bug this guards against: three successes at one call every 20 s took longer than half_open_max.
TEST(BreakerTrials, HalfOpenWaitsForTrafficAndCountsAnewFromEachSuccess) {
  for (const Duration gap : {Duration(seconds(20)), Duration(minutes(10)), Duration(hours(30))}) {
    Rig rig({.half_open_successes = 3, .half_open_max = seconds(30)});
    rig.trip();
    EXPECT_FALSE(rig.finish_trial(kSuccess));
    for (int i = 0; i < 2; ++i) {
      rig.clock.advance(gap);
      EXPECT_FALSE(rig.breaker.poll(rig.clock.now()));
      const auto transition = rig.call(kSuccess);
      EXPECT_EQ(transition.has_value(), i == 1);
    }
    EXPECT_EQ(rig.breaker.state(), State::closed);
  }
}

TEST(BreakerTrials, ADroppedTrialLeavesHalfOpenWaitingForTheNext) {
  Rig rig({.half_open_max = seconds(30)});
  rig.trip();
  { const Permit dropped = rig.first_trial(); }
  rig.clock.advance(hours(1));
  EXPECT_FALSE(rig.breaker.poll(rig.clock.now()));
  Admission next = rig.breaker.try_acquire(rig.clock.now());
  ASSERT_TRUE(next);
  EXPECT_EQ(rig.snapshot().remaining, seconds(30));
  rig.clock.advance(seconds(30));
  EXPECT_EQ(rig.breaker.poll(rig.clock.now())->reason, Reason::half_open_expired) << "this one hangs";
}

constexpr std::array kStarts = {TimePoint::min() + hours(2), TimePoint(-hours(5)), TimePoint(-seconds(12)),
                                TimePoint(Duration(0)), TimePoint::max() - hours(2)};

TEST(BreakerTime, DoesAllItDoesAtAnyTimeOfTheClock) {
  for (const WindowKind kind : {WindowKind::time, WindowKind::count, WindowKind::consecutive}) {
    for (const TimePoint start : kStarts) {
      Rig rig({.window_kind = kind, .consecutive_failures = 5, .ramp = seconds(10), .warm_up = seconds(5)});
      rig.clock = testing::ManualClock(start);
      rig.calls(3, kSuccess);
      rig.clock.advance(seconds(5));
      rig.calls(4, kFailure);
      if (kind == WindowKind::time) {
        EXPECT_EQ(rig.snapshot().counts.calls, 4U);
        rig.clock.advance(seconds(11));
        EXPECT_EQ(rig.snapshot().counts.calls, 0U) << "the window has rolled";
      }
      rig.trip();
      EXPECT_EQ(rig.snapshot().remaining, seconds(5));
      EXPECT_EQ(rig.finish_trial(kSuccess)->to, State::closed);
      EXPECT_NEAR(rig.snapshot().admitted_share, 0.1, 1e-9);
      rig.clock.advance(seconds(5));
      EXPECT_NEAR(rig.snapshot().admitted_share, 0.55, 1e-9);
      rig.clock.advance(seconds(5));
      rig.breaker.note_local_stall(milliseconds(700), rig.clock.now());
      EXPECT_EQ(rig.snapshot().longest_local_stall, milliseconds(700));
      rig.clock.advance(seconds(12));
      EXPECT_EQ(rig.snapshot().longest_local_stall, Duration::zero());
    }
  }
}

// A good call completes the minimum volume: it has to know that bad ones came before.
TEST(BreakerTime, AGoodCallMayOpenAtAnyTimeOfTheClock) {
  for (const TimePoint start : kStarts) {
    Rig rig({.minimum_volume = 4});
    rig.clock = testing::ManualClock(start);
    rig.calls(3, kFailure);
    const auto transition = rig.call(kSuccess);
    ASSERT_TRUE(transition);
    EXPECT_EQ(transition->reason, Reason::failure_rate);
  }
}

TEST(BreakerTime, TheLongestTimesReachPastTheEndOfTheClock) {
  for (const Duration before : {Duration(1), Duration(seconds(3)), Duration(hours(20))}) {
    Rig rig({.reset_timeout = hours(24), .reset_timeout_max = hours(24), .half_open_max = hours(24)});
    rig.clock = testing::ManualClock(TimePoint::max() - before);
    rig.trip();
    const Admission refused = rig.breaker.try_acquire(rig.clock.now());
    EXPECT_FALSE(refused);
    EXPECT_GE(refused.rejection.retry_after, Duration::zero());
    EXPECT_FALSE(rig.breaker.try_acquire(TimePoint::min()));
    EXPECT_FALSE(rig.breaker.poll(TimePoint::max() - Duration(1)));
    (void)rig.snapshot();
  }
}

TEST(BreakerWindow, DroppedPermitsAreInItsCancelledCalls) {
  for (const WindowKind kind : {WindowKind::time, WindowKind::count}) {
    for (const unsigned shards : {1U, 4U}) {
      Rig rig({.window_kind = kind, .shards = shards});
      for (unsigned i = 0; i < 7; ++i) {
        const Admission dropped = rig.breaker.try_acquire(rig.clock.now(), i);
      }
      EXPECT_EQ(rig.snapshot().counts.cancelled, 7U) << "before any call was recorded";
      rig.calls(3, kSuccess);
      rig.clock.advance(seconds(30));
      for (unsigned i = 0; i < 5; ++i) {
        const Admission dropped = rig.breaker.try_acquire(rig.clock.now(), i);
      }
      EXPECT_EQ(rig.snapshot().counts.cancelled, kind == WindowKind::time ? 5U : 12U);
      EXPECT_EQ(rig.snapshot().totals.cancelled, 12U);
      rig.clock.advance(seconds(30));
      EXPECT_EQ(rig.snapshot().counts.cancelled, kind == WindowKind::time ? 0U : 12U);
    }
  }
}

// A permit that is dropped long after it was given, by a client that left a long download.
TEST(BreakerWindow, APermitDroppedLateIsCountedAtTheLatestTimeTheBreakerWasTold) {
  for (const bool polled : {true, false}) {
    Rig rig({.shards = 2});
    std::optional<Admission> held = rig.breaker.try_acquire(rig.clock.now(), 0);
    rig.clock.advance(minutes(3));
    if (polled) {
      (void)rig.breaker.poll(rig.clock.now());
    } else {
      Admission other = rig.breaker.try_acquire(rig.clock.now(), 1);
      (void)rig.breaker.record(std::move(*other.permit), kSuccess, rig.clock.now());
    }
    held.reset();
    EXPECT_EQ(rig.snapshot().counts.cancelled, 1U);
  }
}

TEST(BreakerWindow, DroppedTrialsAreInItToo) {
  Rig rig;
  rig.trip();
  { const Permit dropped = rig.first_trial(); }
  EXPECT_EQ(rig.snapshot().counts.cancelled, 1U);
}

}  // namespace
}  // namespace quoll::core

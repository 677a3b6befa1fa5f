#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "breaker_rig.h"
#include "quoll/core/breaker.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Breaker, OpensWhenTheFailureRateReachesTheThreshold) {
  Rig rig({.minimum_volume = 20});
  EXPECT_FALSE(rig.calls(10, kSuccess));
  EXPECT_FALSE(rig.calls(9, kFailure));
  const auto transition = rig.call(kFailure);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->from, State::closed);
  EXPECT_EQ(transition->to, State::open);
  EXPECT_EQ(transition->reason, Reason::failure_rate);
  EXPECT_EQ(transition->sequence, 1U);
  EXPECT_EQ(transition->evidence.counts.calls, 20U);
  EXPECT_EQ(transition->evidence.counts.failed_calls, 10U);
  EXPECT_EQ(transition->evidence.open_for, seconds(5));
  EXPECT_EQ(rig.breaker.state(), State::open);
}

TEST(Breaker, DoesNotOpenBelowTheMinimumVolume) {
  Rig rig({.minimum_volume = 10});
  EXPECT_FALSE(rig.calls(9, kFailure));
  EXPECT_TRUE(rig.call(kFailure));
}

TEST(Breaker, ASuccessThatCompletesTheVolumeOpens) {
  Rig rig({.minimum_volume = 10});
  EXPECT_FALSE(rig.calls(9, kFailure));
  EXPECT_TRUE(rig.call(kSuccess));
}

TEST(Breaker, ASuccessAfterTheGoodBucketsExpiredOpens) {
  Rig rig({.minimum_volume = 4});
  rig.calls(6, kSuccess);
  rig.clock.advance(seconds(5));
  EXPECT_FALSE(rig.calls(5, kFailure));
  rig.clock.advance(seconds(5));
  EXPECT_TRUE(rig.call(kSuccess)) << "5 of 6 failed";
}

TEST(Breaker, CallsOlderThanTheWindowAreForgotten) {
  Rig rig({.minimum_volume = 10});
  rig.calls(9, kFailure);
  rig.clock.advance(seconds(10));
  EXPECT_EQ(rig.snapshot().counts.calls, 0U);
  EXPECT_FALSE(rig.calls(9, kFailure));
  EXPECT_TRUE(rig.call(kFailure));
}

TEST(Breaker, ABucketThatWasIdleForAnyTimeIsNotTakenForCurrent) {
  for (int turns = 1; turns < 5000; turns = turns * 3 + 1) {
    Rig rig({.minimum_volume = 10});
    rig.calls(9, kFailure);
    rig.clock.advance(seconds(10) * turns);
    EXPECT_FALSE(rig.call(kFailure)) << turns;
    EXPECT_EQ(rig.snapshot().counts.calls, 1U);
  }
}

TEST(Breaker, RejectsWhileOpenAndSaysHowLong) {
  Rig rig;
  rig.trip();
  rig.clock.advance(seconds(2));
  const Admission admission = rig.breaker.try_acquire(rig.clock.now());
  EXPECT_FALSE(admission);
  EXPECT_EQ(admission.rejection.reason, RejectionReason::open);
  EXPECT_EQ(admission.rejection.retry_after, seconds(3));
  EXPECT_FALSE(admission.transition);
  EXPECT_EQ(rig.snapshot().totals.rejected, 1U);
}

TEST(Breaker, LetsOneTrialThroughAfterTheResetTimeout) {
  Rig rig;
  rig.trip();
  rig.clock.advance(seconds(5) - Duration(1));
  EXPECT_FALSE(rig.breaker.try_acquire(rig.clock.now()));
  rig.clock.advance(Duration(1));
  const Admission trial = rig.breaker.try_acquire(rig.clock.now());
  ASSERT_TRUE(trial);
  EXPECT_TRUE(trial.permit->trial());
  ASSERT_TRUE(trial.transition);
  EXPECT_EQ(trial.transition->to, State::half_open);
  EXPECT_EQ(trial.transition->reason, Reason::reset_timeout);
  const Admission second = rig.breaker.try_acquire(rig.clock.now());
  EXPECT_FALSE(second);
  EXPECT_EQ(second.rejection.reason, RejectionReason::half_open_full);
}

TEST(Breaker, OpensByHandAndComesBackByATrial) {
  Rig rig;
  const auto opened = rig.breaker.open(rig.clock.now());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->reason, Reason::by_hand);
  EXPECT_EQ(opened->evidence.open_for, seconds(5));
  EXPECT_FALSE(rig.breaker.open(rig.clock.now())) << "open already";
  const auto closed = rig.finish_trial(kSuccess);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->reason, Reason::trials_succeeded);
}

TEST(Breaker, ACallThatHasBegunCountsIntoTheRateOnceItIsAskedFor) {
  Rig rig({.minimum_volume = 5});
  rig.breaker.count_begun(12);
  EXPECT_FALSE(rig.calls(5, kFailure)) << "5 of 12";
  EXPECT_EQ(rig.snapshot().counts.calls, 12U);
  const auto opened = rig.call(kFailure);
  ASSERT_TRUE(opened) << "6 of 12";
  EXPECT_DOUBLE_EQ(opened->evidence.counts.failure_rate(), 0.5);
}

TEST(Breaker, TheLargestNumberBegunMeansThatNoRateIsLookedAt) {
  Rig rig({.failure_rate_threshold = 1e-9, .minimum_volume = 1});
  rig.breaker.count_begun(std::numeric_limits<std::uint32_t>::max());
  EXPECT_FALSE(rig.calls(20, kFailure)) << "20 of 2^32 are more than 1e-9";
  rig.breaker.count_begun(0);
  EXPECT_TRUE(rig.call(kFailure));
}

TEST(Breaker, ASuccessfulTrialCloses) {
  Rig rig;
  rig.trip();
  const auto transition = rig.finish_trial(kSuccess);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, State::closed);
  EXPECT_EQ(transition->reason, Reason::trials_succeeded);
  EXPECT_EQ(rig.snapshot().counts.calls, 0U) << "it starts with an empty window";
}

TEST(Breaker, AFailedTrialOpensAgain) {
  Rig rig;
  rig.trip();
  const auto transition = rig.finish_trial(kTimeout);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, State::open);
  EXPECT_EQ(transition->reason, Reason::trial_failed);
  EXPECT_EQ(rig.snapshot().remaining, seconds(5));
}

TEST(Breaker, ASlowTrialOpensAgain) {
  Rig rig({.slow_call_threshold = milliseconds(100)});
  rig.trip();
  const Sample slow{.outcome = Outcome::success, .upstream = milliseconds(101)};
  const auto transition = rig.finish_trial(slow);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->reason, Reason::trial_slow);
}

TEST(Breaker, SeveralTrialsAndSuccessesAreNeededWhenAskedFor) {
  Rig rig({.half_open_permits = 2, .half_open_successes = 3});
  rig.trip();
  Permit first = rig.first_trial();
  Admission second = rig.breaker.try_acquire(rig.clock.now());
  ASSERT_TRUE(second);
  EXPECT_FALSE(rig.breaker.try_acquire(rig.clock.now()));
  EXPECT_EQ(rig.snapshot().trials_in_flight, 2U);
  EXPECT_FALSE(rig.breaker.record(std::move(first), kSuccess, rig.clock.now()));
  EXPECT_FALSE(rig.breaker.record(std::move(*second.permit), kSuccess, rig.clock.now()));
  const auto closed = rig.call(kSuccess);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->evidence.trials_succeeded, 3U);
  EXPECT_EQ(explain(*closed), "closed: 3 trial calls succeeded");
}

TEST(Breaker, ADroppedTrialFreesItsPlace) {
  Rig rig;
  rig.trip();
  { const Permit dropped = rig.first_trial(); }
  EXPECT_EQ(rig.snapshot().trials_in_flight, 0U);
  EXPECT_EQ(rig.snapshot().counts.cancelled, 1U);
  EXPECT_TRUE(rig.breaker.try_acquire(rig.clock.now()));
}

TEST(Breaker, AnIgnoredTrialDecidesNothing) {
  Rig rig;
  rig.trip();
  EXPECT_FALSE(rig.finish_trial(kIgnored));
  EXPECT_EQ(rig.breaker.state(), State::half_open);
  EXPECT_TRUE(rig.breaker.try_acquire(rig.clock.now()));
}

TEST(Breaker, ADroppedPermitIsACancelledCall) {
  Rig rig;
  { const Admission dropped = rig.breaker.try_acquire(rig.clock.now()); }
  EXPECT_EQ(rig.snapshot().totals.cancelled, 1U);
  EXPECT_EQ(rig.snapshot().counts.calls, 0U);
}

TEST(Breaker, AssigningOverAPermitCancelsTheOldOne) {
  Rig rig;
  Permit first = std::move(*rig.breaker.try_acquire(rig.clock.now()).permit);
  Permit second = std::move(*rig.breaker.try_acquire(rig.clock.now()).permit);
  first = std::move(second);
  EXPECT_EQ(rig.snapshot().totals.cancelled, 1U);
  (void)rig.breaker.record(std::move(first), kSuccess, rig.clock.now());
  EXPECT_EQ(rig.snapshot().totals.finished(), 2U);
}

TEST(Breaker, LateFailureFromBeforeTheTripDoesNotReopen) {
  Rig rig;
  Admission slow = rig.breaker.try_acquire(rig.clock.now());
  rig.trip();
  Permit trial = rig.first_trial();
  EXPECT_FALSE(rig.breaker.record(std::move(*slow.permit), kFailure, rig.clock.now()));
  EXPECT_EQ(rig.breaker.state(), State::half_open);
  EXPECT_TRUE(rig.breaker.record(std::move(trial), kSuccess, rig.clock.now()));
  EXPECT_EQ(rig.breaker.state(), State::closed);
}

TEST(Breaker, LateSuccessFromBeforeTheTripDoesNotClose) {
  Rig rig;
  Admission slow = rig.breaker.try_acquire(rig.clock.now());
  rig.trip();
  const Permit trial = rig.first_trial();
  EXPECT_FALSE(rig.breaker.record(std::move(*slow.permit), kSuccess, rig.clock.now()));
  EXPECT_EQ(rig.breaker.state(), State::half_open);
}

TEST(Breaker, LateFailuresDoNotFillTheWindowOfTheNextClosedState) {
  Rig rig;
  std::vector<Permit> late;
  late.reserve(100);
  for (int i = 0; i < 100; ++i) late.push_back(std::move(*rig.breaker.try_acquire(rig.clock.now()).permit));
  rig.trip();
  rig.finish_trial(kSuccess);
  for (Permit& permit : late) EXPECT_FALSE(rig.breaker.record(std::move(permit), kFailure, rig.clock.now()));
  EXPECT_EQ(rig.breaker.state(), State::closed);
  EXPECT_EQ(rig.snapshot().counts.calls, 0U);
  EXPECT_EQ(rig.snapshot().totals.stale, 100U);
  EXPECT_EQ(rig.snapshot().totals.failure, 100U + 5U);
}

TEST(Breaker, ALateTrialDoesNotDecideTheNextHalfOpen) {
  Rig rig({.half_open_max = seconds(1)});
  rig.trip();
  Permit late = rig.first_trial();
  rig.clock.advance(seconds(1));
  ASSERT_TRUE(rig.breaker.poll(rig.clock.now()));
  const Permit trial = rig.first_trial();
  EXPECT_FALSE(rig.breaker.record(std::move(late), kSuccess, rig.clock.now()));
  EXPECT_EQ(rig.breaker.state(), State::half_open);
  EXPECT_EQ(rig.snapshot().trials_in_flight, 1U) << "it gave back a place of its own generation only";
}

TEST(Breaker, HalfOpenExpiresByPollAndByTryAcquire) {
  for (const bool polled : {true, false}) {
    Rig rig({.half_open_max = seconds(3)});
    rig.trip();
    const Permit hung = rig.first_trial();
    rig.clock.advance(seconds(3) - Duration(1));
    EXPECT_FALSE(rig.breaker.poll(rig.clock.now()));
    rig.clock.advance(Duration(1));
    std::optional<Transition> transition;
    if (polled) {
      transition = rig.breaker.poll(rig.clock.now());
    } else {
      const Admission refused = rig.breaker.try_acquire(rig.clock.now());
      EXPECT_FALSE(refused);
      EXPECT_EQ(refused.rejection.retry_after, seconds(5));
      transition = refused.transition;
    }
    ASSERT_TRUE(transition);
    EXPECT_EQ(transition->reason, Reason::half_open_expired);
    EXPECT_EQ(transition->to, State::open);
  }
}

}  // namespace
}  // namespace quoll::core

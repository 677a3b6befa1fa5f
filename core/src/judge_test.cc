#include "quoll/core/judge.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

namespace quoll::core {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint at_ms(std::int64_t ms) {
  return TimePoint(std::chrono::hours(1)) + milliseconds(ms);
}

// Sent at 0, deadline at 100 ms; the rest is the test's.
Attempt attempt(Answer answer, std::optional<std::int64_t> arrived_ms, std::int64_t judged_ms, bool stamped = true) {
  Attempt made{
      .sent_at = at_ms(0), .deadline = at_ms(100), .judged_at = at_ms(judged_ms), .answer = answer, .stamped = stamped};
  if (arrived_ms) made.arrived_at = at_ms(*arrived_ms);
  return made;
}

TEST(Judge, AnAnswerSeenInTimeIsJudgedByWhatItSays) {
  const Judgement good = judge(attempt(Answer::good, 60, 61));
  EXPECT_EQ(good, (Judgement{Verdict::success, false, milliseconds(60), milliseconds(1)}));
  EXPECT_EQ(judge(attempt(Answer::bad, 60, 61)).verdict, Verdict::failure);
}

TEST(Judge, AnAnswerThatArrivedInTimeIsInTimeHoweverLateWeLook) {
  const Judgement late_look = judge(attempt(Answer::good, 60, 10'000));
  EXPECT_EQ(late_look, (Judgement{Verdict::success, true, milliseconds(60), milliseconds(9'940)}));
}

TEST(Judge, AFailureIsRescuedFromBeingATimeoutToo) {
  const Judgement bad = judge(attempt(Answer::bad, 60, 10'000));
  EXPECT_EQ(bad.verdict, Verdict::failure);
  EXPECT_TRUE(bad.rescued);
}

TEST(Judge, AnArrivalAtTheDeadlineIsInTimeAndOneNanosecondLaterIsNot) {
  Attempt made = attempt(Answer::good, 100, 200);
  EXPECT_EQ(judge(made).verdict, Verdict::success);
  made.arrived_at = at_ms(100) + Duration(1);
  EXPECT_EQ(judge(made).verdict, Verdict::timeout);
}

TEST(Judge, ALateArrivalIsATimeoutThatTookAsLongAsItTook) {
  const Judgement late = judge(attempt(Answer::good, 130, 150));
  EXPECT_EQ(late, (Judgement{Verdict::timeout, false, milliseconds(130), milliseconds(20)}));
}

TEST(Judge, AnEmptySocketAtTheDeadlineIsATimeout) {
  EXPECT_EQ(judge(attempt(Answer::none, {}, 99)).verdict, Verdict::inconclusive);
  EXPECT_EQ(judge(attempt(Answer::none, {}, 100)).verdict, Verdict::timeout);
  EXPECT_EQ(judge(attempt(Answer::none, {}, 750)),
            (Judgement{Verdict::timeout, false, milliseconds(100), milliseconds(650)}))
      << "what we overslept is our own delay";
}

TEST(Judge, HalfAnAnswerIsNoAnswer) {
  EXPECT_EQ(judge(attempt(Answer::none, 60, 150)).verdict, Verdict::timeout);
}

TEST(Judge, WithoutAStampALateReadIsInconclusiveIfOurStallCoversTheGap) {
  Attempt made = attempt(Answer::good, 180, 180, false);
  EXPECT_EQ(judge(made).verdict, Verdict::timeout) << "no stall: it did arrive late";
  made.local_stall = milliseconds(79);
  EXPECT_EQ(judge(made).verdict, Verdict::timeout) << "we were awake at the deadline and saw nothing";
  made.local_stall = milliseconds(80);
  EXPECT_EQ(judge(made).verdict, Verdict::inconclusive);
  made.stamped = true;
  EXPECT_EQ(judge(made).verdict, Verdict::timeout) << "the stamp knows better";
}

TEST(Judge, AnAnswerWithoutATimeCameWhenWeLookedAtTheLatest) {
  EXPECT_EQ(judge(attempt(Answer::bad, {}, 90, false)).verdict, Verdict::failure);
  EXPECT_EQ(judge(attempt(Answer::bad, {}, 110, false)).verdict, Verdict::timeout);
  EXPECT_EQ(judge(attempt(Answer::bad, {}, 110, true)).verdict, Verdict::timeout);
}

TEST(Judge, APeerThatWeDidNotLetSendIsNotToBlame) {
  for (const Answer answer : {Answer::none, Answer::good, Answer::bad}) {
    Attempt made = attempt(answer, 130, 150);
    made.window_closed_by_us = true;
    EXPECT_EQ(judge(made).verdict, Verdict::inconclusive);
  }
  Attempt in_time = attempt(Answer::good, 60, 150);
  in_time.window_closed_by_us = true;
  EXPECT_EQ(judge(in_time).verdict, Verdict::success);
}

TEST(JudgeByTimer, CallsWhatItSeesLateATimeout) {
  const Judgement fooled = judge_by_timer(attempt(Answer::good, 60, 150));
  EXPECT_EQ(fooled, (Judgement{Verdict::timeout, false, milliseconds(150), Duration::zero()}));
  EXPECT_EQ(judge_by_timer(attempt(Answer::good, 60, 100)).verdict, Verdict::success);
  EXPECT_EQ(judge_by_timer(attempt(Answer::bad, 60, 100)).verdict, Verdict::failure);
  EXPECT_EQ(judge_by_timer(attempt(Answer::none, {}, 100)).verdict, Verdict::timeout);
  EXPECT_EQ(judge_by_timer(attempt(Answer::none, {}, 99)).verdict, Verdict::inconclusive);
}

TEST(Judge, AnInconclusiveVerdictIsAnIgnoredSample) {
  EXPECT_EQ(to_sample({}).outcome, Outcome::ignored);
  const Sample sample = to_sample({Verdict::timeout, false, milliseconds(3), milliseconds(4)});
  EXPECT_EQ(sample.outcome, Outcome::timeout);
  EXPECT_EQ(sample.upstream, milliseconds(3));
  EXPECT_EQ(sample.local, milliseconds(4));
  EXPECT_TRUE(to_sample({Verdict::success, true, {}, {}}).rescued);
}

// Every combination over a small grid of times, against the rules as a reader would write them down.
TEST(Judge, IsExhaustiveOverTheGridOfAllCases) {
  int cases = 0;
  for (const Answer answer : {Answer::none, Answer::good, Answer::bad}) {
    for (const std::int64_t arrived : {-1, 50, 99, 100, 101, 150, 200}) {
      for (const std::int64_t judged : {0, 99, 100, 101, 150, 200}) {
        for (const std::int64_t stall : {0, 1, 50, 100}) {
          for (const int flags : {0, 1, 2, 3}) {
            Attempt made = attempt(answer, arrived < 0 ? std::nullopt : std::optional(arrived), judged);
            made.stamped = (flags & 1) != 0;
            made.window_closed_by_us = (flags & 2) != 0;
            made.local_stall = milliseconds(stall);
            const std::int64_t when = arrived < 0 ? judged : arrived;
            const bool in_time = answer != Answer::none && when <= 100;
            const bool undecided = answer == Answer::none && judged < 100;
            const bool shut = made.window_closed_by_us;
            const bool maybe = answer != Answer::none && (!made.stamped || arrived < 0) && when - stall <= 100;
            Verdict expected = Verdict::timeout;
            if (in_time) {
              expected = answer == Answer::good ? Verdict::success : Verdict::failure;
            } else if (undecided || shut || maybe) {
              expected = Verdict::inconclusive;
            }
            ASSERT_EQ(judge(made).verdict, expected)
                << "answer " << static_cast<int>(answer) << " arrived " << arrived << " judged " << judged << " stall "
                << stall << " flags " << flags;
            ASSERT_EQ(judge(made).rescued, in_time && judged > 100);
            ++cases;
          }
        }
      }
    }
  }
  EXPECT_EQ(cases, 3 * 7 * 6 * 4 * 4);
}

Attempt arbitrary_attempt() {
  const auto time = [] { return at_ms(0) + Duration(*rc::gen::inRange<std::int64_t>(-50, 400)); };
  Attempt made;
  made.sent_at = at_ms(0);
  made.deadline = time();
  made.judged_at = time();
  if (*rc::gen::arbitrary<bool>()) made.arrived_at = time();
  made.local_stall = Duration(*rc::gen::inRange<std::int64_t>(0, 300));
  made.answer = *rc::gen::element(Answer::none, Answer::good, Answer::bad);
  made.stamped = *rc::gen::arbitrary<bool>();
  made.window_closed_by_us = *rc::gen::arbitrary<bool>();
  return made;
}

TEST(JudgeProperty, OurOwnDelayNeverChangesTheVerdictOnAStampedAnswer) {
  EXPECT_TRUE(rc::check([] {
    Attempt made = arbitrary_attempt();
    made.stamped = true;
    made.arrived_at = made.arrived_at.value_or(made.deadline);
    made.answer = *rc::gen::element(Answer::good, Answer::bad);
    const Judgement before = judge(made);
    made.judged_at += Duration(*rc::gen::inRange<std::int64_t>(0, 1'000'000));
    made.local_stall = Duration(*rc::gen::inRange<std::int64_t>(0, 1'000'000));
    const Judgement after = judge(made);
    RC_ASSERT(before.verdict == after.verdict);
    RC_ASSERT(before.upstream == after.upstream);
  }));
}

TEST(JudgeProperty, ATimeoutIsNeverAnAnswerInTimeAndAnAnswerIsNeverLate) {
  EXPECT_TRUE(rc::check([] {
    const Attempt made = arbitrary_attempt();
    const Judgement judged = judge(made);
    const bool answered = made.answer != Answer::none;
    const TimePoint at = made.arrived_at.value_or(made.judged_at);
    if (judged.verdict == Verdict::timeout) RC_ASSERT(!answered || at > made.deadline);
    if (judged.verdict == Verdict::success || judged.verdict == Verdict::failure) {
      RC_ASSERT(answered && at <= made.deadline);
    }
    if (judged.verdict == Verdict::timeout && !answered) RC_ASSERT(made.judged_at >= made.deadline);
  }));
}

TEST(JudgeProperty, RescuedIsExactlyWhatTheTimerWouldHaveLost) {
  EXPECT_TRUE(rc::check([] {
    const Attempt made = arbitrary_attempt();
    const bool answered = judge(made).verdict == Verdict::success || judge(made).verdict == Verdict::failure;
    const bool lost = judge_by_timer(made).verdict == Verdict::timeout;
    RC_ASSERT(judge(made).rescued == (answered && lost));
  }));
}

TEST(JudgeProperty, TimesAreNeverNegativeAndUpstreamHoldsNoneOfOurOwn) {
  EXPECT_TRUE(rc::check([] {
    const Attempt made = arbitrary_attempt();
    const Judgement judged = judge(made);
    RC_ASSERT(judged.upstream >= Duration::zero());
    RC_ASSERT(judged.local >= Duration::zero());
    if (made.arrived_at && made.answer != Answer::none) {
      RC_ASSERT(judged.upstream <= std::max(Duration::zero(), *made.arrived_at - made.sent_at));
    }
    if (judged.verdict == Verdict::inconclusive) RC_ASSERT(judged == Judgement{});
  }));
}

TEST(JudgeProperty, TheControlDiffersOnlyByLookingLateOrByDoubt) {
  EXPECT_TRUE(rc::check([] {
    const Attempt made = arbitrary_attempt();
    if (made.judged_at > made.deadline) return;
    if (made.arrived_at && *made.arrived_at > made.judged_at) return;  // an arrival after the look can't be known
    if (made.answer == Answer::none && made.window_closed_by_us) return;
    RC_ASSERT(judge(made).verdict == judge_by_timer(made).verdict);
  }));
}

TEST(Judge, EveryValueHasAWord) {
  EXPECT_EQ(to_string(Verdict::success), std::string("success"));
  EXPECT_EQ(to_string(Verdict::failure), std::string("failure"));
  EXPECT_EQ(to_string(Verdict::timeout), std::string("timeout"));
  EXPECT_EQ(to_string(Verdict::inconclusive), std::string("inconclusive"));
  EXPECT_EQ(to_string(Outcome::cancelled), std::string("cancelled"));
  EXPECT_EQ(to_string(Outcome::ignored), std::string("ignored"));
}

TEST(Judge, ExtremesOfTimeDoNotWrapRound) {
  const Attempt endless{
      .sent_at = TimePoint::min(), .deadline = TimePoint::max(), .judged_at = TimePoint::max(), .answer = Answer::good};
  EXPECT_EQ(judge(endless).verdict, Verdict::success);
  EXPECT_EQ(judge(endless).upstream, Duration::max());
  const Attempt stalled{.sent_at = TimePoint::min(),
                        .deadline = TimePoint::min() + Duration(1),
                        .judged_at = TimePoint::min() + Duration(5),
                        .local_stall = Duration::max(),
                        .answer = Answer::good};
  EXPECT_EQ(judge(stalled).verdict, Verdict::inconclusive);
  const Attempt early{.sent_at = TimePoint::max(), .deadline = TimePoint::min(), .judged_at = TimePoint::min()};
  EXPECT_EQ(judge(early).verdict, Verdict::timeout);
  EXPECT_EQ(judge(early).upstream, Duration::zero());
}

}  // namespace
}  // namespace quoll::core

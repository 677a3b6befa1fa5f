// The wall clock of these tests is a script: an offset to the steady clock that the test changes when it likes.
#include "quoll/net/stamp_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace quoll::net {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Script {
 public:
  TimePoint now() const { return now_; }
  void advance(Duration by) {
    now_ += by;
    offset_ += Duration(static_cast<std::int64_t>(static_cast<double>(by.count()) * slew_));
  }
  void step(Duration by) { offset_ += by; }
  // Parts of one: 500e-6 is the most that NTP does.
  void slew(double rate) { slew_ = rate; }
  ClockReading read() const { return {now_, stamp()}; }
  WallTime stamp() const { return WallTime(now_.time_since_epoch() + offset_); }

 private:
  TimePoint now_{hours(10)};
  Duration offset_{std::chrono::hours(24 * 365 * 50)};
  double slew_ = 0;
};

// A request sent at `sent`, answered 40 ms later, and read 100 ms after that; the tests step the clock in between.
class StampClockTest : public ::testing::Test {
 protected:
  void send() {
    clock_.observe(script_.read());
    sent_ = script_.now();
    script_.advance(milliseconds(40));
  }
  void arrive() {
    arrived_ = script_.now();
    stamp_ = script_.stamp();
    script_.advance(milliseconds(50));
  }
  Arrival read() {
    script_.advance(milliseconds(50));
    clock_.observe(script_.read());
    return clock_.convert(stamp_, sent_);
  }

  Script script_;
  StampClock clock_{script_.read()};
  TimePoint sent_;
  TimePoint arrived_;
  WallTime stamp_;
};

TEST_F(StampClockTest, WithoutAStepAStampIsExact) {
  send();
  arrive();
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
  EXPECT_EQ(clock_.steps(), 0U);
}

TEST_F(StampClockTest, AnHourForwardBetweenArrivalAndReadChangesNothing) {
  send();
  arrive();
  script_.step(hours(1));
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
  EXPECT_EQ(clock_.steps(), 1U);
}

TEST_F(StampClockTest, AnHourBackBetweenArrivalAndReadChangesNothing) {
  send();
  arrive();
  script_.step(-hours(1));
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, AnHourForwardBetweenSendAndArrivalChangesNothing) {
  send();
  script_.step(hours(1));
  arrive();
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, AnHourBackBetweenSendAndArrivalChangesNothing) {
  send();
  script_.step(-hours(1));
  arrive();
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, AStepThatAnotherReadHasNoticedBeforeChangesNothing) {
  send();
  arrive();
  script_.step(hours(1));
  clock_.observe(script_.read());
  script_.advance(milliseconds(30));
  clock_.observe(script_.read());
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, AStepThatBothOffsetsCanExplainIsSaidToBeUncertain) {
  send();
  arrive();
  script_.step(milliseconds(20));  // 20 ms earlier, the arrival would still lie between send and read
  EXPECT_FALSE(read().exact);
}

TEST_F(StampClockTest, AnUncertainStampIsAnUpperBound) {
  send();
  arrive();
  script_.step(milliseconds(20));
  const Arrival got = read();
  EXPECT_EQ(got.at, script_.now());
}

TEST_F(StampClockTest, ASmallStepIsForgottenAsSoonAsNoArrivalCanStemFromBeforeIt) {
  script_.step(milliseconds(20));
  clock_.observe(script_.read());
  script_.advance(milliseconds(100));
  send();
  arrive();
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, TwoStepsBetweenArrivalAndReadAreBothUndone) {
  send();
  arrive();
  script_.step(hours(1));
  clock_.observe(script_.read());
  script_.advance(milliseconds(1));
  script_.step(-hours(3));
  const Arrival got = read();
  EXPECT_EQ(clock_.steps(), 2U);
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

// The bug: only the last step was remembered, and the offset between the two made of the arrival one 30 ms later.
TEST_F(StampClockTest, AnArrivalFromBeforeTwoStepsIsNotConvertedWithTheOffsetBetweenThem) {
  send();
  arrive();
  script_.step(-milliseconds(30));
  clock_.observe(script_.read());
  script_.advance(milliseconds(1));
  script_.step(hours(1));
  EXPECT_FALSE(read().exact);
}

TEST_F(StampClockTest, AStepAndBackLeaveAnArrivalFromBeforeBothWhereItWas) {
  send();
  arrive();
  script_.step(hours(1));
  clock_.observe(script_.read());
  script_.advance(milliseconds(5));
  script_.step(-hours(1));
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, AClockThatStepsMoreOftenThanIsRememberedMakesStampsUncertain) {
  send();
  arrive();
  for (int i = 0; i < 10; ++i) {
    script_.step(hours(1));
    clock_.observe(script_.read());
    script_.advance(milliseconds(1));
  }
  EXPECT_FALSE(read().exact);
}

TEST_F(StampClockTest, AfterAMinuteStepsNoLongerMatter) {
  for (int i = 0; i < 10; ++i) {
    script_.step(-hours(1));
    clock_.observe(script_.read());
  }
  script_.advance(StampClock::kMemory + seconds(1));
  send();
  arrive();
  script_.advance(milliseconds(50));
  clock_.observe(script_.read());
  // A client's request: nothing is known of when it can have arrived.
  const Arrival got = clock_.convert(stamp_, TimePoint{});
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, arrived_);
}

TEST_F(StampClockTest, AStampFromTheFutureIsNotTrusted) {
  send();
  script_.step(hours(1));  // and back again, between two readings
  arrive();
  script_.step(-hours(1));
  const Arrival got = read();
  EXPECT_FALSE(got.exact);
  EXPECT_EQ(got.at, script_.now());
}

TEST_F(StampClockTest, SlewingAtTheGreatestRateIsNoStepAndCostsLessThanAMillisecond) {
  for (const double rate : {500e-6, -500e-6}) {
    script_.slew(rate);
    send();
    arrive();
    const Arrival got = read();
    EXPECT_TRUE(got.exact);
    EXPECT_LE(std::chrono::abs(got.at - arrived_), milliseconds(1));
  }
  EXPECT_EQ(clock_.steps(), 0U);
}

TEST_F(StampClockTest, AnAnswerFromBeforeTheClockWasReadAfterTheSendCountsAsThatMoment) {
  send();
  sent_ = script_.now() + milliseconds(10);  // descheduled between the send and the clock
  arrive();
  const Arrival got = read();
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, sent_);
}

TEST_F(StampClockTest, AStampAFewMicrosecondsAheadIsClampedToNow) {
  send();
  clock_.observe(script_.read());
  const Arrival got = clock_.convert(script_.stamp() + microseconds(15), sent_);
  EXPECT_TRUE(got.exact);
  EXPECT_EQ(got.at, script_.now());
}

TEST_F(StampClockTest, ABoundInTheFutureDoesNotPutTheArrivalThere) {
  send();
  arrive();
  script_.advance(milliseconds(50));
  clock_.observe(script_.read());
  EXPECT_LE(clock_.convert(stamp_, script_.now() + seconds(1)).at, script_.now());
}

Duration any_step() {
  const auto magnitude = *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(2'000'001, 1'000'000'000),
                                         rc::gen::inRange<std::int64_t>(1'000'000'000, 86'400'000'000'000));
  return Duration(*rc::gen::arbitrary<bool>() ? magnitude : -magnitude);
}

Duration up_to(Duration most) {
  return Duration(*rc::gen::inRange<std::int64_t>(0, most.count()));
}

// One request with a step anywhere between its send and its read, and other reads on the loop in between.
RC_GTEST_PROP(StampClock, OneStepNeverMovesAnArrivalAcrossADeadlineUnlessItSaysSo, ()) {
  Script script;
  StampClock clock(script.read());
  const TimePoint sent = script.now();
  const Duration until_step = up_to(seconds(1));
  const Duration until_arrival = up_to(seconds(1));
  const Duration until_read = std::max(until_step, until_arrival) + up_to(seconds(1));
  const Duration step = any_step();
  const bool step_first = until_step < until_arrival;

  WallTime stamp;
  for (const bool first : {true, false}) {
    const bool stepping = first == step_first;
    script.advance(sent + (stepping ? until_step : until_arrival) - script.now());
    if (stepping) {
      script.step(step);
    } else {
      stamp = script.stamp();
    }
    if (*rc::gen::arbitrary<bool>()) clock.observe(script.read());
  }
  script.advance(sent + until_read - script.now());
  clock.observe(script.read());

  const Arrival got = clock.convert(stamp, sent);
  const TimePoint truth = sent + until_arrival;
  RC_ASSERT(got.at <= script.now());
  RC_ASSERT(got.at == (got.exact ? truth : script.now()));
}

// Any number of steps, each noticed by some read: the answer is right or says that it may not be.
RC_GTEST_PROP(StampClock, NoticedStepsNeverMoveAnArrivalUnlessItSaysSo, ()) {
  Script script;
  StampClock clock(script.read());
  const TimePoint sent = script.now();
  const int events = *rc::gen::inRange(1, 12);
  const int arrival = *rc::gen::inRange(0, events);
  WallTime stamp;
  TimePoint truth;
  for (int i = 0; i < events; ++i) {
    script.advance(up_to(milliseconds(200)));
    if (i == arrival) {
      stamp = script.stamp();
      truth = script.now();
    } else {
      script.step(any_step());
      script.advance(up_to(milliseconds(20)));
      clock.observe(script.read());
    }
  }
  script.advance(up_to(milliseconds(200)));
  clock.observe(script.read());
  const Arrival got = clock.convert(stamp, sent);
  RC_ASSERT(!got.exact || std::chrono::abs(got.at - truth) <= StampClock::kStep);
}

TEST(ReadClocks, BothClocksAreOfOneMoment) {
  const TimePoint before = steady_now();
  const ClockReading now = read_clocks();
  EXPECT_GE(now.steady, before);
  EXPECT_LE(now.steady, steady_now());
}

TEST(ReadClocks, AKnownOffsetIsNotBelievedOverTheClocks) {
  // An hour off, as after a step: what comes back must be what the clocks say, known or not.
  const Duration offset = offset_of(read_clocks());
  for (const Duration known : {offset, offset + std::chrono::hours(1), offset - std::chrono::hours(1)}) {
    const TimePoint before = steady_now();
    const ClockReading now = read_clocks(known);
    EXPECT_GE(now.steady, before);
    EXPECT_LE(now.steady, steady_now());
    EXPECT_LT(std::chrono::abs(offset_of(now) - offset), StampClock::kStep);
  }
}

}  // namespace
}  // namespace quoll::net

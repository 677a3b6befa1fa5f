#include "window.h"

#include <gtest/gtest.h>

#include <vector>

#include "quoll/core/breaker.h"
#include "quoll/testing/manual_clock.h"
#include "window_fast.h"

namespace quoll::core::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

Tally call(bool failed = false) {
  Tally tally;
  tally.delta[kCalls / 2] = failed ? kLow + kHigh : kLow;
  if (failed) tally.delta[kFailure / 2] = kLow;
  return tally;
}

TEST(Window, CountsInItsBucketAndForgetsItAfterTheWindow) {
  ManualClock clock;
  Window window(seconds(10), 10, 2);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(window.add(window.open(0, clock.now()), call()), i);
  EXPECT_EQ(window.add(window.open(1, clock.now()), call(true)), 0U);
  EXPECT_EQ(window.counts(clock.now())[kCalls], 6U);
  EXPECT_EQ(window.counts(clock.now())[kFailed], 1U);
  EXPECT_EQ(window.counts(clock.now() + seconds(9))[kCalls], 6U);
  EXPECT_EQ(window.counts(clock.now() + seconds(10))[kCalls], 0U);
  EXPECT_EQ(window.totals()[kCalls], 6U);
}

TEST(Window, ATicketFromBeforeTheWindowWasEmptiedAddsNothing) {
  ManualClock clock;
  Window window(seconds(10), 10, 1);
  const Window::Ticket old = window.open(0, clock.now());
  window.clear();
  EXPECT_EQ(window.add(old, call()), Window::kGone);
  EXPECT_EQ(window.totals()[kCalls], 0U);
  EXPECT_EQ(window.add(window.open(0, clock.now()), call()), 0U);
}

TEST(Window, ATicketFromATurnBeforeAddsNothing) {
  ManualClock clock;
  Window window(seconds(10), 10, 1);
  const Window::Ticket old = window.open(0, clock.now());
  clock.advance(seconds(10));
  (void)window.open(0, clock.now());
  EXPECT_EQ(window.add(old, call()), Window::kGone);
}

TEST(Window, ATimeOfAWindowAgoHasNoBucketAndOfAMomentAgoHasItsOwn) {
  ManualClock clock;
  Window window(seconds(10), 10, 1);
  const TimePoint before = clock.now();
  clock.advance(seconds(1));
  (void)window.add(window.open(0, clock.now()), call());
  EXPECT_TRUE(window.open(0, before));
  clock.advance(seconds(9));
  (void)window.add(window.open(0, clock.now()), call());
  EXPECT_FALSE(window.open(0, before)) << "its slot serves a newer bucket";
}

TEST(Window, BucketsRollAtAnyTimeOfTheClock) {
  for (const Duration length : {Duration(milliseconds(10)), Duration(seconds(10)), Duration(std::chrono::hours(1))}) {
    for (const TimePoint start : {TimePoint::min() + length, TimePoint(-std::chrono::hours(3)), TimePoint(-length / 2),
                                  TimePoint(Duration(0)), TimePoint::max() - 4 * length}) {
      ManualClock clock(start);
      Window window(length, 10, 1);
      (void)window.add(window.open(0, clock.now()), call());
      std::uint32_t number = 0;
      EXPECT_TRUE(window.try_add_call(
          0, clock.now(), {}, [] { return true; }, number));
      EXPECT_EQ(window.counts(clock.now())[kCalls], 2U);
      clock.advance(length * 8 / 10);
      EXPECT_FALSE(window.try_add_call(
          0, clock.now(), {}, [] { return true; }, number))
          << "a new bucket";
      (void)window.add(window.open(0, clock.now()), call());
      EXPECT_EQ(window.counts(clock.now())[kCalls], 3U);
      clock.advance(length / 2);
      EXPECT_EQ(window.counts(clock.now())[kCalls], 1U);
      clock.advance(length);
      EXPECT_EQ(window.counts(clock.now())[kCalls], 0U);
    }
  }
}

TEST(Window, TheShortWayAndTheLongWayCountTheSame) {
  ManualClock clock;
  Window window(seconds(10), 10, 1);
  (void)window.add(window.open(0, clock.now()), call());
  std::uint32_t number = 0;
  EXPECT_TRUE(window.try_add_call(
      0, clock.now(), milliseconds(3), [] { return true; }, number));
  EXPECT_EQ(number, 1U);
  EXPECT_FALSE(window.try_add_call(
      0, clock.now(), milliseconds(3), [] { return false; }, number));
  clock.advance(seconds(1));
  EXPECT_FALSE(window.try_add_call(
      0, clock.now(), milliseconds(3), [] { return true; }, number))
      << "a new bucket";
  EXPECT_EQ(window.counts(clock.now())[kCalls], 2U);
}

TEST(Window, AFullCounterIsHalvedAndTheTotalsStayExact) {
  ManualClock clock;
  Window window(seconds(10), 1, 1);
  constexpr std::uint64_t kHalfFull = kHigh / 2;
  // One add of nearly everything, as millions of calls would leave it: a quarter of them failed.
  Tally many;
  many.delta[kCalls / 2] = (kHalfFull - 1) + (kHalfFull / 4) * kHigh;
  (void)window.add(window.open(0, clock.now()), many);
  const FieldCounts before = window.counts(clock.now());
  for (int i = 0; i < 3; ++i) (void)window.add(window.open(0, clock.now()), call());
  const FieldCounts after = window.counts(clock.now());
  EXPECT_LT(after[kCalls], before[kCalls]);
  EXPECT_NEAR(static_cast<double>(after[kFailed]) / static_cast<double>(after[kCalls]), 0.25, 1e-6);
  EXPECT_EQ(window.totals()[kCalls], kHalfFull - 1 + 3);
  EXPECT_EQ(window.totals()[kFailed], kHalfFull / 4);
}

// What the breaker makes of it.
struct Calls {
  Calls() : breaker(Breaker::create({.minimum_volume = 1'000'000}, 1).value()) {}
  void add(Duration upstream) {
    Admission admission = breaker.try_acquire(clock.now(), 0);
    (void)breaker.record(std::move(*admission.permit), {.upstream = upstream}, clock.now());
  }
  Snapshot snapshot() { return breaker.snapshot(clock.now()); }

  ManualClock clock;
  Breaker breaker;
};

TEST(WindowLatency, PercentilesAreExactToABucketUntilABucketIsFull) {
  Calls calls;
  for (int second = 0; second < 10; ++second) {
    for (int i = 1; i <= 10; ++i) calls.add(milliseconds(second * 10 + i));
    if (second < 9) calls.clock.advance(seconds(1));
  }
  const Snapshot snapshot = calls.snapshot();
  EXPECT_EQ(snapshot.latency_samples, 100U);
  EXPECT_NEAR(to_millis(snapshot.mean), 50.5, 0.5);
  const std::array<double, 9> expected = {1, 25, 50, 75, 90, 95, 99, 100, 100};
  const Snapshot& s = snapshot;
  const std::array<Duration, 9> by_name = {s.fastest(), s.p25(), s.p50(),   s.p75(),    s.p90(),
                                           s.p95(),     s.p99(), s.p99_5(), s.slowest()};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(to_millis(snapshot.percentiles[i]), expected[i], expected[i] * 0.008) << kSnapshotPercentiles[i];
    EXPECT_EQ(snapshot.percentiles[i], by_name[i]) << kSnapshotPercentiles[i];
  }
}

TEST(WindowLatency, AFullBucketKeepsAFairSampleAndItsExtremes) {
  Calls calls;
  calls.add(Duration(1000));
  for (int i = 0; i < 50'000; ++i) calls.add(milliseconds(1 + (i * 7919) % 1000));
  calls.add(seconds(9));
  for (int i = 0; i < 50'000; ++i) calls.add(milliseconds(1 + (i * 7919) % 1000));
  const Snapshot snapshot = calls.snapshot();
  EXPECT_LT(snapshot.latency_samples, 100U);
  EXPECT_NEAR(to_millis(snapshot.percentiles.front()), 0.001, 0.00001);
  EXPECT_NEAR(to_millis(snapshot.percentiles.back()), 9000, 80);
}

TEST(WindowLatency, TheSampleIsUniformOverTheBucketsCalls) {
  // Twenty buckets, the first half of the calls fast and the second slow: a fair
  // sample has as many of both.
  Calls calls;
  double slow = 0;
  double kept = 0;
  for (int bucket = 0; bucket < 20; ++bucket) {
    calls.clock.advance(seconds(10));
    const int total = 1'000 + bucket * 977;
    for (int i = 0; i < total; ++i) calls.add(i < total / 2 ? milliseconds(1) : milliseconds(100));
    const Snapshot snapshot = calls.snapshot();
    kept += snapshot.latency_samples;
    slow += snapshot.latency_samples * (to_millis(snapshot.mean) - 1) / 99;
  }
  EXPECT_NEAR(slow / kept, 0.5, 0.08);
}

TEST(WindowLatency, FullAndEmptyBucketsWeighByTheirCalls) {
  Calls calls;
  for (int i = 0; i < 9'000; ++i) calls.add(milliseconds(10));
  calls.clock.advance(seconds(1));
  for (int i = 0; i < 1'000; ++i) calls.add(milliseconds(200));
  const Snapshot snapshot = calls.snapshot();
  EXPECT_NEAR(to_millis(snapshot.mean), 29, 0.3);
  EXPECT_NEAR(to_millis(snapshot.percentiles[3]), 10, 0.1) << "p75";
  EXPECT_NEAR(to_millis(snapshot.percentiles[5]), 200, 2) << "p95";
}

}  // namespace
}  // namespace quoll::core::internal

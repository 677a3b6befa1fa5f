#include "quoll/telemetry/metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <thread>

namespace quoll::telemetry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Counter, ThreadsTogetherLoseNothingWhateverShardTheyUse) {
  Counter counter;
  constexpr int kEach = 20'000;
  const auto work = [&](unsigned shard) {
    for (int i = 0; i < kEach; ++i) counter.add(1, shard);
    for (int i = 0; i < kEach; ++i) counter.add(2);
  };
  std::thread a(work, 0U);
  std::thread b(work, 0U);
  std::thread c(work, 1'000'003U);
  a.join();
  b.join();
  c.join();
  EXPECT_EQ(counter.value(), 3ULL * kEach * 3);
}

TEST(Gauge, AddsFromThreadsAreNotLost) {
  Gauge gauge;
  const auto work = [&] {
    for (int i = 0; i < 10'000; ++i) gauge.add(0.5);
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(gauge.value(), 10'000.0);
  gauge.set(-3);
  EXPECT_EQ(gauge.value(), -3.0);
}

TEST(DurationHistogram, BoundsAreInclusiveAsPrometheusWantsThem) {
  const std::array<Duration, 2> bounds = {milliseconds(10), milliseconds(20)};
  DurationHistogram histogram(bounds);
  histogram.observe(milliseconds(10));
  histogram.observe(milliseconds(10) + Duration(1));
  histogram.observe(milliseconds(20));
  histogram.observe(milliseconds(21));
  EXPECT_EQ(histogram.snapshot().buckets, (std::vector<std::uint64_t>{1, 2, 1}));
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_EQ(histogram.sum(), milliseconds(61) + Duration(1));
}

RC_GTEST_PROP(DurationHistogram, PutsEveryValueWhereALinearSearchWould, ()) {
  auto gaps = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 1 << 20)));
  gaps.resize(std::min<std::size_t>(gaps.size(), DurationHistogram::kMaxBounds));
  std::vector<Duration> bounds;
  bounds.reserve(gaps.size());
  Duration at{};
  for (const int gap : gaps) bounds.push_back(at += Duration(gap));
  DurationHistogram histogram(bounds);
  // Values near the bounds, where a search goes wrong, and anywhere up to past the last.
  const Duration near = *rc::gen::elementOf(bounds) + Duration(*rc::gen::inRange(-2, 3));
  const Duration any(*rc::gen::inRange<Duration::rep>(0, (at * 2).count() + 1));
  for (const Duration value : {near, any}) {
    const auto before = histogram.snapshot();
    histogram.observe(value, *rc::gen::arbitrary<unsigned>());
    const auto added = histogram.snapshot().since(before);
    const auto expected = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
    RC_ASSERT(added.count == 1U);
    RC_ASSERT(added.buckets[static_cast<std::size_t>(expected)] == 1U);
  }
}

TEST(DurationHistogram, ANegativeDurationCountsAsZero) {
  DurationHistogram histogram;
  histogram.observe(milliseconds(-5));
  EXPECT_EQ(histogram.snapshot().buckets.front(), 1U);
  EXPECT_EQ(histogram.sum(), Duration::zero());
}

TEST(DurationHistogram, QuantilesInterpolateWithinABucketAndStopAtTheHighestBound) {
  const std::array<Duration, 3> bounds = {milliseconds(100), milliseconds(200), milliseconds(400)};
  DurationHistogram histogram(bounds);
  EXPECT_EQ(histogram.snapshot().quantile(0.5), Duration::zero());
  for (int i = 0; i < 50; ++i) histogram.observe(milliseconds(50));
  for (int i = 0; i < 50; ++i) histogram.observe(milliseconds(300));
  EXPECT_EQ(histogram.snapshot().quantile(0.5), milliseconds(100));
  EXPECT_EQ(histogram.snapshot().quantile(0.75), milliseconds(300));
  EXPECT_EQ(histogram.snapshot().quantile(1), milliseconds(400));
  histogram.observe(seconds(9));
  EXPECT_EQ(histogram.snapshot().quantile(1), milliseconds(400));
}

TEST(DurationHistogram, ADifferenceOfSnapshotsIsWhatCameBetween) {
  DurationHistogram histogram;
  histogram.observe(seconds(3));
  const auto before = histogram.snapshot();
  histogram.observe(milliseconds(7));
  const auto between = histogram.snapshot().since(before);
  EXPECT_EQ(between.count, 1U);
  EXPECT_EQ(between.sum, milliseconds(7));
  EXPECT_LE(between.quantile(1), milliseconds(10));
}

TEST(DurationHistogram, APeakIsSeenForFifteenRotationsAndThenForgotten) {
  DurationHistogram histogram;
  histogram.observe(seconds(2), 3);
  histogram.observe(milliseconds(1), 4);
  EXPECT_EQ(histogram.recent_max(), seconds(2));
  EXPECT_EQ(histogram.rotate_max(), seconds(2));
  for (std::size_t i = 1; i < DurationHistogram::kMaxSlots; ++i) {
    EXPECT_EQ(histogram.recent_max(), seconds(2)) << i;
    EXPECT_EQ(histogram.rotate_max(), Duration::zero());
  }
  EXPECT_EQ(histogram.recent_max(), seconds(2));
  histogram.rotate_max();
  EXPECT_EQ(histogram.recent_max(), Duration::zero());
}

TEST(DurationHistogram, TheLastIntervalsMaximumIsKeptUntilTheNextRotation) {
  DurationHistogram histogram(kLagBounds);
  EXPECT_EQ(histogram.last_max(), Duration::zero());
  histogram.observe(milliseconds(3));
  EXPECT_EQ(histogram.last_max(), Duration::zero());
  histogram.rotate_max();
  histogram.observe(milliseconds(1));
  EXPECT_EQ(histogram.last_max(), milliseconds(3));
  histogram.rotate_max();
  EXPECT_EQ(histogram.last_max(), milliseconds(1));
}

TEST(DurationHistogram, ReadersAndARotatorAmongWritersLoseNothing) {
  DurationHistogram histogram(kLagBounds);
  constexpr int kEach = 20'000;
  const auto work = [&](unsigned shard) {
    for (int i = 1; i <= kEach; ++i) histogram.observe(microseconds(i), shard);
  };
  std::thread a(work, 0U);
  std::thread b(work, 1U);
  Duration highest{};
  for (int i = 0; i < 200; ++i) {
    highest = std::max(highest, histogram.rotate_max());
    EXPECT_LE(histogram.snapshot().count, 2ULL * kEach);
  }
  a.join();
  b.join();
  highest = std::max(highest, histogram.rotate_max());
  EXPECT_EQ(highest, microseconds(kEach));
  EXPECT_EQ(histogram.count(), 2ULL * kEach);
  EXPECT_EQ(histogram.sum(), 2 * microseconds(kEach / 2 * (kEach + 1)));
}

TEST(DurationHistogram, BoundsThatDoNotAscendAreABug) {
  const std::array<Duration, 2> bounds = {milliseconds(10), milliseconds(10)};
  EXPECT_DEATH(DurationHistogram{bounds}, "adjacent_find");
}

}  // namespace
}  // namespace quoll::telemetry

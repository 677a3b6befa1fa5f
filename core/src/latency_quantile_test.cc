#include "quoll/core/latency_quantile.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "quoll/base/rng.h"

namespace quoll::core {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

void add(DecayingQuantile& quantile, Duration latency, unsigned count) {
  for (unsigned i = 0; i < count; ++i) quantile.add(latency);
}

TEST(DecayingQuantile, IsZeroWhileEmptyAndAfterClear) {
  DecayingQuantile quantile(0.99, 512);
  EXPECT_EQ(quantile.value(), Duration::zero());
  add(quantile, milliseconds(5), 10);
  EXPECT_GT(quantile.value(), Duration::zero());
  quantile.clear();
  EXPECT_EQ(quantile.value(), Duration::zero());
  EXPECT_EQ(quantile.samples(), 0U);
}

TEST(DecayingQuantile, AgreesWithSortingUntilTheWindowIsFull) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    const double q = *rc::gen::element(0.5, 0.9, 0.95, 0.99);
    DecayingQuantile quantile(q, 2000);
    std::vector<Duration> sorted;
    for (int i = 0; i < 1500; ++i) {
      const Duration latency = rng.uniform(microseconds(1), milliseconds(rng.chance(0.1) ? 900 : 60));
      sorted.push_back(latency);
      quantile.add(latency);
    }
    std::sort(sorted.begin(), sorted.end());
    const auto above = static_cast<std::size_t>((1 - q) * 1500 + 1e-6);
    const Duration exact = sorted[sorted.size() - 1 - above];
    RC_ASSERT(quantile.value() + microseconds(1) >= exact);
    RC_ASSERT(to_seconds(quantile.value()) <= to_seconds(exact) * 1.016 + 2e-6);
  }));
}

TEST(DecayingQuantile, FollowsAShiftUpWithinTheStatedNumberOfSamples) {
  for (const unsigned fill : {256U, 400U, 511U, 512U, 5000U}) {
    DecayingQuantile quantile(0.99, 512);
    add(quantile, milliseconds(50), fill);
    add(quantile, milliseconds(150), 6);
    EXPECT_GE(quantile.value(), milliseconds(150)) << fill;
  }
}

TEST(DecayingQuantile, FollowsAShiftDownWithinTheStatedNumberOfSamples) {
  for (const unsigned fill : {256U, 400U, 511U, 512U, 5000U}) {
    DecayingQuantile quantile(0.99, 512);
    add(quantile, milliseconds(150), fill);
    add(quantile, milliseconds(50), 7 * 256);
    EXPECT_LT(quantile.value(), milliseconds(52)) << fill;
  }
}

TEST(DecayingQuantile, OneOutlierDoesNotMoveIt) {
  DecayingQuantile quantile(0.99, 512);
  add(quantile, milliseconds(10), 1000);
  quantile.add(hours(1));
  EXPECT_LT(quantile.value(), milliseconds(11));
}

TEST(DecayingQuantile, HalvingKeepsTheQuantileOfASteadyTraffic) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    DecayingQuantile quantile(0.95, 1000);
    for (int i = 0; i < 20'000; ++i) {
      quantile.add(rng.uniform(milliseconds(0), milliseconds(100)));
      RC_ASSERT(quantile.samples() < 1000U);
    }
    // The 95th percentile of 500 to 1000 uniform samples: 95 ms, four standard errors of about 1 ms.
    RC_ASSERT(std::abs(to_millis(quantile.value()) - 95) < 5);
  }));
}

TEST(DecayingQuantile, AnyLatencyHasACode) {
  EXPECT_EQ(DecayingQuantile::code_of(Duration(-5)), 0);
  EXPECT_EQ(DecayingQuantile::code_of(Duration::zero()), 0);
  EXPECT_LT(DecayingQuantile::code_of(Duration::max()), DecayingQuantile::kCodes);
  EXPECT_EQ(DecayingQuantile::code_of(Duration::max()), DecayingQuantile::code_of(hours(1)));
}

TEST(SampleLanes, HandOutWhatWasHeldInOrder) {
  SampleLanes lanes;
  SampleLanes::Batch batch;
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_TRUE(lanes.hold(0, i, batch));
  EXPECT_FALSE(lanes.hold(0, 3, batch));
  ASSERT_EQ(batch.count, 3U);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(batch.values[i], i);
  SampleLanes::Batch rest;
  lanes.drain(0, rest);
  EXPECT_EQ(rest.count, 0U);
}

TEST(SampleLanes, LoseNothingBetweenThreads) {
  SampleLanes lanes;
  std::atomic<std::uint64_t> sum{0};
  auto work = [&] {
    for (std::uint16_t i = 0; i < 20'000; ++i) {
      SampleLanes::Batch batch;
      if (lanes.hold(0, i, batch)) continue;
      std::uint64_t part = i;
      for (unsigned k = 0; k < batch.count; ++k) part += batch.values[k];
      sum += part;
    }
  };
  std::thread other(work);
  work();
  other.join();
  SampleLanes::Batch rest;
  lanes.drain(0, rest);
  for (unsigned k = 0; k < rest.count; ++k) sum += rest.values[k];
  EXPECT_EQ(sum.load(), 2ULL * 20'000 * 19'999 / 2);
}

}  // namespace
}  // namespace quoll::core

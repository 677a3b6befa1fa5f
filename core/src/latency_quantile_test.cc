#include "quoll/core/latency_quantile.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
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

// Hands in `count` samples of one code and returns the weight that came out, what stayed behind included.
unsigned weight_out(SampleLanes& lanes, std::uint16_t code, unsigned count, unsigned& batches) {
  unsigned weight = 0;
  SampleLanes::Batch batch;
  const auto add_up = [&] {
    for (unsigned k = 0; k < batch.count; ++k) weight += batch.held[k].weight;
    batch.count = 0;
  };
  for (unsigned i = 0; i < count; ++i) {
    if (lanes.hold(0, code, batch)) continue;
    ++batches;
    add_up();
  }
  lanes.drain(0, batch);
  add_up();
  return weight;
}

TEST(SampleLanes, HandOutWhatIsAboveTheEstimateFourAtATimeAndInOrder) {
  SampleLanes lanes(512);
  SampleLanes::Batch batch;
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_TRUE(lanes.hold(0, i, batch));
  EXPECT_FALSE(lanes.hold(0, 3, batch));
  ASSERT_EQ(batch.count, 4U);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(batch.held[i].code, i);
  SampleLanes::Batch rest;
  lanes.drain(0, rest);
  EXPECT_EQ(rest.count, 0U);
}

TEST(SampleLanes, OneInFourOfTheOthersStandsForFour) {
  SampleLanes lanes(512);
  lanes.set_estimate(100);
  unsigned batches = 0;
  EXPECT_NEAR(weight_out(lanes, 100, 9600, batches), 9600, 8);
  EXPECT_NEAR(batches, 100, 1);
}

// The bug this guards against: every fourth call may be to the one endpoint that differs.
TEST(SampleLanes, WhichOfTheOthersAreKeptIsInStepWithNoPattern) {
  for (const unsigned period : {2U, 3U, 4U, 5U, 8U, 16U}) {
    SampleLanes lanes(512);
    lanes.set_estimate(100);
    std::array<unsigned, 16> kept{};
    SampleLanes::Batch batch;
    for (unsigned i = 0; i < 48'000; ++i) {
      if (lanes.hold(0, static_cast<std::uint16_t>(i % period), batch)) continue;
      for (unsigned k = 0; k < batch.count; ++k) kept[batch.held[k].code] += batch.held[k].weight;
      batch.count = 0;
    }
    for (unsigned code = 0; code < period; ++code) {
      EXPECT_NEAR(kept[code], 48'000.0 / period, 48'000.0 / period * 0.05) << period << " " << code;
    }
  }
}

TEST(SampleLanes, ASmallWindowHasFewAside) {
  SampleLanes lanes(64);
  lanes.set_estimate(100);
  unsigned batches = 0;
  weight_out(lanes, 100, 1600, batches);
  EXPECT_NEAR(batches, 100, 1);
}

TEST(SampleLanes, LoseNothingAboveTheEstimateBetweenThreads) {
  SampleLanes lanes(512);
  std::atomic<std::uint64_t> sum{0};
  auto work = [&] {
    for (std::uint16_t i = 0; i < 20'000; ++i) {
      SampleLanes::Batch batch;
      if (lanes.hold(0, i, batch)) continue;
      std::uint64_t part = 0;
      for (unsigned k = 0; k < batch.count; ++k) part += batch.held[k].code;
      sum += part;
    }
  };
  std::thread other(work);
  work();
  other.join();
  SampleLanes::Batch rest;
  lanes.drain(0, rest);
  for (unsigned k = 0; k < rest.count; ++k) sum += rest.held[k].code;
  EXPECT_EQ(sum.load(), 2ULL * 20'000 * 19'999 / 2);
}

}  // namespace
}  // namespace quoll::core

#include "quoll/core/outlier.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <thread>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

constexpr Sample kFailure{.outcome = Outcome::failure};

struct Fleet {
  explicit Fleet(std::size_t size, const OutlierOptions& options = {}) : outliers(options, size) {
    (void)outliers.poll(clock.now());
  }
  // An interval of `calls` to each endpoint that is in; returns who was ejected at its end.
  template <typename Answer>
  std::vector<Ejection> interval(unsigned calls, Answer answer) {
    for (unsigned i = 0; i < calls; ++i) {
      for (std::size_t endpoint = 0; endpoint < outliers.size(); ++endpoint) {
        if (!outliers.available(endpoint, clock.now())) continue;
        if (const auto ejection = outliers.record(endpoint, answer(endpoint, i), clock.now(), i)) {
          at_once.push_back(*ejection);
        }
      }
    }
    return outliers.poll(clock.advance(seconds(10)));
  }
  ManualClock clock;
  OutlierEjection outliers;
  std::vector<Ejection> at_once;
};

TEST(OutlierEjection, EjectsAtOnceAfterFailuresInARow) {
  Fleet fleet(10);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fleet.outliers.record(3, kFailure, fleet.clock.now()));
  const auto ejection = fleet.outliers.record(3, {.outcome = Outcome::timeout}, fleet.clock.now());
  ASSERT_TRUE(ejection);
  EXPECT_EQ(ejection->endpoint, 3U);
  EXPECT_EQ(ejection->reason, EjectionReason::consecutive_failures);
  EXPECT_EQ(explain(*ejection), "endpoint 3 out for 30s: 5 calls failed in a row (limit 5)");
  EXPECT_FALSE(fleet.outliers.available(3, fleet.clock.now()));
  EXPECT_EQ(fleet.outliers.weight(3, fleet.clock.now()), 0);
  EXPECT_TRUE(fleet.outliers.available(2, fleet.clock.now()));
}

TEST(OutlierEjection, ASuccessOrACancelledCallIsNoFailureInARow) {
  Fleet fleet(10);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(fleet.outliers.record(3, i % 5 == 4 ? Sample{} : kFailure, fleet.clock.now()));
    EXPECT_FALSE(fleet.outliers.record(4, {.outcome = Outcome::cancelled}, fleet.clock.now()));
  }
}

TEST(OutlierEjection, EjectsWhoSucceedsLessThanTheOthers) {
  Fleet fleet(10);
  const auto ejections = fleet.interval(
      120, [](std::size_t endpoint, unsigned i) { return endpoint == 7 && i % 3 == 0 ? kFailure : Sample{}; });
  ASSERT_EQ(ejections.size(), 1U);
  EXPECT_EQ(ejections[0].endpoint, 7U);
  EXPECT_EQ(ejections[0].reason, EjectionReason::success_rate);
  EXPECT_NEAR(ejections[0].observed, 2.0 / 3, 0.01);
}

TEST(OutlierEjection, AnOutageOfAllEjectsNobodyByComparison) {
  Fleet fleet(10, {.consecutive_failures = 0});
  EXPECT_TRUE(fleet.interval(120, [](std::size_t, unsigned) { return kFailure; }).empty());
}

// The bug this guards against: among endpoints that are all well, somebody is always 1.9 deviations below the mean.
TEST(OutlierEjection, TheLeastGoodOfTheGoodStays) {
  Fleet fleet(10);
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(fleet
                    .interval(200, [](std::size_t endpoint,
                                      unsigned i) { return endpoint == 7 && i % 50 == 0 ? kFailure : Sample{}; })
                    .empty());
  }
}

TEST(OutlierEjection, EjectsWhoIsMuchSlowerThanTheOthers) {
  Fleet fleet(10);
  const auto ejections = fleet.interval(120, [](std::size_t endpoint, unsigned) {
    return Sample{.upstream = milliseconds(endpoint == 2 ? 400 : 100 + static_cast<int>(endpoint))};
  });
  ASSERT_EQ(ejections.size(), 1U);
  EXPECT_EQ(ejections[0].endpoint, 2U);
  EXPECT_EQ(ejections[0].reason, EjectionReason::latency);
}

TEST(OutlierEjection, TooFewCallsAreNotCompared) {
  Fleet fleet(10, {.consecutive_failures = 0});
  EXPECT_TRUE(
      fleet.interval(99, [](std::size_t endpoint, unsigned) { return endpoint == 7 ? kFailure : Sample{}; }).empty());
}

TEST(OutlierEjection, NeverEjectsMoreThanItMayNorTheLast) {
  Fleet one_of_ten(10);
  Fleet half(10, {.max_ejected = 0.5});
  Fleet all(3, {.max_ejected = 1});
  Fleet single(1, {.max_ejected = 1});
  for (Fleet* fleet : {&one_of_ten, &half, &all, &single}) {
    fleet->interval(20, [](std::size_t, unsigned) { return kFailure; });
  }
  EXPECT_EQ(one_of_ten.at_once.size(), 1U);
  EXPECT_EQ(half.at_once.size(), 5U);
  EXPECT_EQ(all.at_once.size(), 2U);
  EXPECT_EQ(single.at_once.size(), 0U);
}

TEST(OutlierEjection, ReturnsWithAWeightThatGrows) {
  Fleet fleet(10);
  const auto ejection = fleet.outliers.eject(3, fleet.clock.now());
  ASSERT_TRUE(ejection);
  fleet.clock.advance(ejection->out_for - Duration(1));
  EXPECT_EQ(fleet.outliers.weight(3, fleet.clock.now()), 0);
  fleet.clock.advance(Duration(1));
  EXPECT_TRUE(fleet.outliers.available(3, fleet.clock.now()));
  EXPECT_EQ(fleet.outliers.weight(3, fleet.clock.now()), 0.1);
  fleet.clock.advance(seconds(15));
  EXPECT_EQ(fleet.outliers.weight(3, fleet.clock.now()), 0.5);
  fleet.clock.advance(seconds(15));
  EXPECT_EQ(fleet.outliers.weight(3, fleet.clock.now()), 1);
}

TEST(OutlierEjection, EachEjectionIsLongerUntilItHasBehavedForAWhile) {
  Fleet fleet(10);
  const auto fail = [&] {
    std::optional<Ejection> ejection;
    while (!ejection) ejection = fleet.outliers.record(3, kFailure, fleet.clock.now());
    fleet.clock.advance(ejection->out_for);
    return ejection->out_for;
  };
  EXPECT_EQ(fail(), seconds(30));
  EXPECT_EQ(fail(), seconds(60));
  EXPECT_EQ(fail(), seconds(90));
  for (int i = 0; i < 3; ++i) (void)fleet.outliers.poll(fleet.clock.advance(seconds(10)));
  EXPECT_EQ(fail(), seconds(30));
  for (int i = 0; i < 20; ++i) EXPECT_LE(fail(), seconds(300));
}

TEST(OutlierEjection, CallsFromBeforeTheEjectionAreNotHeldAgainstItLater) {
  Fleet fleet(10);
  ASSERT_TRUE(fleet.outliers.eject(3, fleet.clock.now()));
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(fleet.outliers.record(3, kFailure, fleet.clock.now()));
  fleet.clock.advance(seconds(30));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fleet.outliers.record(3, kFailure, fleet.clock.now()));
}

TEST(OutlierEjection, RestoredByHandItIsAsNew) {
  Fleet fleet(10);
  ASSERT_TRUE(fleet.outliers.eject(3, fleet.clock.now()));
  fleet.outliers.restore(3);
  EXPECT_EQ(fleet.outliers.weight(3, fleet.clock.now()), 1);
  EXPECT_EQ(fleet.outliers.eject(3, fleet.clock.now())->out_for, seconds(30));
}

// The bug this guards against: a count of 20 bits, so that 2^20 + 20 successes of an hour are 20.
TEST(OutlierEjection, AnHourOfMillionsOfGoodCallsEjectsNobody) {
  ManualClock clock;
  OutlierEjection outliers({.consecutive_failures = 0, .interval = std::chrono::hours(1)}, 10);
  (void)outliers.poll(clock.now());
  for (std::size_t endpoint = 0; endpoint < 10; ++endpoint) {
    const unsigned calls = endpoint == 3 ? (1U << 20U) + 20 : 2000;
    for (unsigned i = 0; i < calls; ++i) (void)outliers.record(endpoint, {.upstream = milliseconds(50)}, clock.now());
    for (int i = 0; i < 100; ++i) (void)outliers.record(endpoint, kFailure, clock.now());
  }
  EXPECT_TRUE(outliers.poll(clock.advance(std::chrono::hours(1))).empty());
}

TEST(OutlierEjection, ComparesAtTimesBeforeTheClocksEpoch) {
  for (const TimePoint start : {TimePoint::min(), TimePoint(-std::chrono::hours(1)), TimePoint(-seconds(10)),
                                TimePoint(Duration(0)), TimePoint::max() - seconds(20)}) {
    ManualClock clock(start);
    OutlierEjection outliers({.consecutive_failures = 0}, 10);
    EXPECT_TRUE(outliers.poll(clock.now()).empty());
    for (unsigned i = 0; i < 120; ++i) {
      for (std::size_t endpoint = 0; endpoint < 10; ++endpoint) {
        (void)outliers.record(endpoint, endpoint == 7 ? kFailure : Sample{}, clock.now());
      }
    }
    const auto ejections = outliers.poll(clock.advance(seconds(10)));
    ASSERT_EQ(ejections.size(), 1U);
    EXPECT_EQ(ejections[0].endpoint, 7U);
    EXPECT_EQ(outliers.weight(7, clock.now()), 0);
    EXPECT_EQ(outliers.weight(6, clock.now()), 1);
  }
}

TEST(OutlierEjection, TheShareIsExactAndNoneIsNone) {
  struct Case {
    double share;
    std::size_t endpoints;
    unsigned out;
  };
  for (const auto& [share, endpoints, out] :
       {Case{0.29, 100, 29}, Case{0.57, 100, 57}, Case{0.07, 100, 7}, Case{0.1, 5, 1}, Case{1e-9, 5, 1}, Case{0, 5, 0},
        Case{0, 100, 0}, Case{1, 5, 4}, Case{1, 1, 0}}) {
    ManualClock clock;
    OutlierEjection outliers({.max_ejected = share}, endpoints);
    unsigned ejected = 0;
    for (std::size_t i = 0; i < endpoints; ++i) ejected += outliers.eject(i, clock.now()) ? 1 : 0;
    EXPECT_EQ(ejected, out) << share << " of " << endpoints;
  }
}

// The bug this guards against: forgiveness was counted in polls, so an hour without one forgave nothing.
TEST(OutlierEjection, AnIdleHourForgivesWithoutAPoll) {
  for (const bool polled : {true, false}) {
    Fleet fleet(10, {.interval = seconds(10)});
    for (int i = 1; i <= 4; ++i) {
      const auto ejection = fleet.outliers.eject(3, fleet.clock.now());
      ASSERT_TRUE(ejection);
      EXPECT_EQ(ejection->out_for, i * seconds(30));
      fleet.clock.advance(ejection->out_for);
    }
    fleet.clock.advance(seconds(15));  // one interval
    if (polled) (void)fleet.outliers.poll(fleet.clock.now());
    const auto again = fleet.outliers.eject(3, fleet.clock.now());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->times, 4U);
    fleet.clock.advance(again->out_for + std::chrono::hours(1));
    if (polled) (void)fleet.outliers.poll(fleet.clock.now());
    EXPECT_EQ(fleet.outliers.eject(3, fleet.clock.now())->times, 1U);
  }
}

TEST(OutlierEjection, TheBoundHoldsWhateverHappens) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    const auto size = static_cast<std::size_t>(rng.uniform_int(1, 20));
    const double share = rng.uniform();
    Fleet fleet(size, {.minimum_calls = 3, .minimum_endpoints = 2, .max_ejected = share});
    const auto bound = std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(size)));
    for (int i = 0; i < 2000; ++i) {
      const auto endpoint = static_cast<std::size_t>(rng.uniform_int(0, size - 1));
      const Sample sample{.outcome = rng.chance(0.7) ? Outcome::failure : Outcome::success,
                          .upstream = rng.uniform(Duration::zero(), seconds(2))};
      fleet.clock.advance(milliseconds(rng.uniform_int(0, 200)));
      (void)fleet.outliers.record(endpoint, sample, fleet.clock.now());
      (void)fleet.outliers.poll(fleet.clock.now());
      const std::size_t out = fleet.outliers.ejected(fleet.clock.now());
      RC_ASSERT(out <= bound);
      RC_ASSERT(out < size);
    }
  }));
}

TEST(OutlierEjection, ThreadsEjectEachOnce) {
  for (int round = 0; round < 50; ++round) {
    OutlierEjection outliers({}, 10);
    const TimePoint now = ManualClock().now();
    std::atomic<unsigned> ejections{0};
    auto work = [&](unsigned shard) {
      for (int i = 0; i < 20; ++i) ejections += outliers.record(1, kFailure, now, shard) ? 1 : 0;
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    ASSERT_EQ(ejections.load(), 1U);
  }
}

TEST(OutlierEjection, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(OutlierOptions{}.validate().empty());
  const OutlierOptions bad{.consecutive_failures = 2'000'000,
                           .interval = Duration(1),
                           .minimum_calls = 0,
                           .minimum_endpoints = 1,
                           .stdev_factor = -1,
                           .success_margin = 2,
                           .latency_factor = 1,
                           .base_ejection = seconds(60),
                           .max_ejection = seconds(1),
                           .max_ejected = 2,
                           .slow_start = std::chrono::hours(2),
                           .slow_start_min = 0};
  EXPECT_EQ(bad.validate().size(), 11U);
}

}  // namespace
}  // namespace quoll::core

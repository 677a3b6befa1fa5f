#include "quoll/core/rate_limit.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

RateLimitOptions ten_a_second(std::uint64_t burst) {
  return {.rate = 10, .period = seconds(1), .burst = burst};
}

TEST(RateLimit, AdmitsABurstAndThenOneAnInterval) {
  ManualClock clock;
  RateLimit limit(ten_a_second(3));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.try_acquire(clock.now()).admitted);
  EXPECT_FALSE(limit.try_acquire(clock.now()).admitted);
  clock.advance(milliseconds(100));
  EXPECT_TRUE(limit.try_acquire(clock.now()).admitted);
  EXPECT_FALSE(limit.try_acquire(clock.now()).admitted);
}

TEST(RateLimit, TheWaitItNamesIsExact) {
  ManualClock clock;
  RateLimit limit(ten_a_second(1));
  ASSERT_TRUE(limit.try_acquire(clock.now()).admitted);
  clock.advance(milliseconds(30));
  const Duration wait = limit.try_acquire(clock.now()).wait;
  EXPECT_EQ(wait, milliseconds(70));
  clock.advance(wait - Duration(1));
  EXPECT_FALSE(limit.try_acquire(clock.now()).admitted);
  clock.advance(Duration(1));
  EXPECT_TRUE(limit.try_acquire(clock.now()).admitted);
}

TEST(RateLimit, ARefusalConsumesNothing) {
  ManualClock clock;
  RateLimit limit(ten_a_second(1));
  ASSERT_TRUE(limit.try_acquire(clock.now()).admitted);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limit.try_acquire(clock.now()).admitted);
  clock.advance(milliseconds(100));
  EXPECT_TRUE(limit.try_acquire(clock.now()).admitted);
}

TEST(RateLimit, AReservationTakesItsPlaceInTheQueue) {
  ManualClock clock;
  RateLimit limit(ten_a_second(1));
  EXPECT_EQ(limit.reserve(clock.now(), seconds(1)).wait, Duration::zero());
  EXPECT_EQ(limit.reserve(clock.now(), seconds(1)).wait, milliseconds(100));
  EXPECT_EQ(limit.reserve(clock.now(), seconds(1)).wait, milliseconds(200));
  EXPECT_FALSE(limit.reserve(clock.now(), milliseconds(299)).admitted);
  EXPECT_TRUE(limit.reserve(clock.now(), milliseconds(300)).admitted);
}

TEST(RateLimit, ACostOfNIsNCallsAtOnce) {
  ManualClock clock;
  RateLimit limit(ten_a_second(5));
  EXPECT_TRUE(limit.try_acquire(clock.now(), 4).admitted);
  EXPECT_FALSE(limit.try_acquire(clock.now(), 2).admitted);
  EXPECT_TRUE(limit.try_acquire(clock.now(), 1).admitted);
}

TEST(RateLimit, AnIdleDaySavesUpNoMoreThanTheBurst) {
  ManualClock clock;
  RateLimit limit(ten_a_second(3));
  clock.advance(std::chrono::hours(24));
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += limit.try_acquire(clock.now()).admitted ? 1 : 0;
  EXPECT_EQ(admitted, 3);
}

TEST(RateLimit, NoWindowHoldsMoreThanBurstPlusRate) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock;
    RateLimit limit(ten_a_second(4));
    std::deque<TimePoint> admitted;
    for (int i = 0; i < 500; ++i) {
      clock.advance(rng.uniform(Duration::zero(), milliseconds(60)));
      if (limit.try_acquire(clock.now()).admitted) admitted.push_back(clock.now());
      while (!admitted.empty() && admitted.front() <= clock.now() - seconds(1)) admitted.pop_front();
      RC_ASSERT(admitted.size() <= 4 + 10);
    }
  }));
}

// One exact word, as the papers have it, that is told of every call.
struct ExactGcra {
  bool admit(std::int64_t at, std::int64_t interval, std::int64_t burst) {
    const std::int64_t next = std::max(tat, at) + interval;
    if (next - interval * burst > at) return false;
    tat = next;
    return true;
  }
  std::int64_t tat = 0;
};

TEST(RateLimit, WithLargeBurstsItAdmitsNoMoreThanAnExactOneAndNotMuchLess) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock;
    const std::uint64_t burst = rng.uniform_int(128, 6000);
    RateLimit limit({.rate = 1000, .period = seconds(1), .burst = burst});
    ExactGcra most;   // told of what `limit` admits: must agree with each admission
    ExactGcra least;  // told of the same, with a sixteenth less of the burst: what it admits must be admitted
    for (int i = 0; i < 30'000; ++i) {
      if (rng.chance(0.001)) clock.advance(rng.uniform(Duration::zero(), seconds(3)));
      const auto mean = rng.chance(0.5) ? std::chrono::microseconds(100) : std::chrono::microseconds(1500);
      const std::int64_t at = clock.advance(rng.uniform(Duration::zero(), mean)).time_since_epoch().count();
      const auto shard = static_cast<unsigned>(rng.uniform_int(0, 6));
      ExactGcra would = least;
      const bool admitted = limit.try_acquire(clock.now(), 1, shard).admitted;
      if (would.admit(at, 1'000'000, static_cast<std::int64_t>(burst - burst / 16))) RC_ASSERT(admitted);
      if (!admitted) continue;
      RC_ASSERT(most.admit(at, 1'000'000, static_cast<std::int64_t>(burst)));
      least.tat = most.tat;
    }
  }));
}

TEST(RateLimit, TwoThreadsTogetherGetNoMoreThanOneWould) {
  for (const std::uint64_t burst : {100U, 1000U}) {
    RateLimit limit({.rate = 1, .period = std::chrono::hours(1), .burst = burst});
    const TimePoint now = ManualClock().now();
    std::atomic<std::uint64_t> admitted{0};
    auto work = [&](unsigned shard) {
      for (int i = 0; i < 5000; ++i) admitted += limit.try_acquire(now, 1, shard).admitted ? 1 : 0;
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    EXPECT_GE(admitted.load(), burst);
    EXPECT_LE(admitted.load(), burst < 128 ? burst : burst + 2);  // the call that a thread lost the CPU in
  }
}

TEST(RateLimit, ACostAboveTheBurstIsRefusedForGoodWithoutAPromise) {
  ManualClock clock;
  RateLimit limit({.rate = 10, .period = seconds(1), .burst = 5});
  for (const std::uint64_t cost : {std::uint64_t{6}, std::uint64_t{213'504}, UINT64_MAX}) {
    const auto refused = limit.try_acquire(clock.now(), cost);
    EXPECT_TRUE(refused.never()) << cost;
    EXPECT_TRUE(limit.reserve(clock.now(), Duration::max(), cost).never()) << cost;
  }
  EXPECT_TRUE(limit.try_acquire(clock.now(), 5).admitted) << "the refusals took nothing";
  const auto later = limit.try_acquire(clock.now(), 5);
  EXPECT_FALSE(later.never());
  EXPECT_EQ(later.wait, milliseconds(500));
}

TEST(RateLimit, NoCostOverflowsAtTheLongestInterval) {
  ManualClock clock;
  RateLimit limit({.rate = 1, .period = std::chrono::hours(24), .burst = 1});
  for (std::uint64_t cost = 2; cost != 0; cost *= 2) EXPECT_TRUE(limit.try_acquire(clock.now(), cost).never());
  EXPECT_TRUE(limit.try_acquire(clock.now(), 213'504).never());
  EXPECT_TRUE(limit.try_acquire(clock.now()).admitted);
  EXPECT_EQ(limit.try_acquire(clock.now()).wait, std::chrono::hours(24));
}

// All calls that come, asked for one at a time and in bundles; the count is exact, whatever the rate divides.
TEST(RateLimit, RatesThatDoNotDivideThePeriodAreExact) {
  struct Case {
    std::uint64_t rate;
    Duration period;
  };
  for (const auto& [rate, period] :
       {Case{3, seconds(1)}, Case{7, milliseconds(1)}, Case{600'000'000, seconds(1)}, Case{999'999'999, seconds(1)},
        Case{300'000'001, seconds(1)}, Case{86'399, std::chrono::hours(24)}, Case{1'000'000'000, seconds(7)}}) {
    for (const std::uint64_t burst : {1U, 10U}) {
      ManualClock clock;
      RateLimit limit({.rate = rate, .period = period, .burst = burst});
      const Duration interval = period / static_cast<std::int64_t>(rate);
      std::uint64_t admitted = 0;
      const TimePoint start = clock.now();
      for (int i = 0; i < 20'000; ++i) {
        while (limit.try_acquire(clock.now()).admitted) ++admitted;
        clock.advance(std::max(Duration(1), interval / 3));
      }
      const auto passed = static_cast<std::uint64_t>((clock.now() - start).count());
      // One interval has not been asked for at the end.
      const auto earned =
          static_cast<std::uint64_t>(Int128{rate} * passed / static_cast<std::uint64_t>(period.count()));
      EXPECT_LE(admitted, earned + burst) << rate << " in " << format_duration(period);
      // A burst of one saves nothing up: what it could have had between two questions is gone.
      if (burst == 1) continue;
      EXPECT_GE(admitted + 2, earned + burst) << rate << " in " << format_duration(period);
    }
  }
}

// A clock of whole nanoseconds sees only some of the instants of a limit of 1.67 ns: bundles make up for it.
TEST(RateLimit, AHundredMillionCallsAtSixHundredMillionASecondTakeASixthOfASecond) {
  ManualClock clock;
  RateLimit limit({.rate = 600'000'000, .period = seconds(1), .burst = 1'000});
  const TimePoint start = clock.now();
  for (std::uint64_t admitted = 0; admitted < 100'000'000;) {
    const auto decision = limit.try_acquire(clock.now(), 500);
    if (decision.admitted) {
      admitted += 500;
    } else {
      clock.advance(decision.wait);
    }
  }
  EXPECT_NEAR(to_seconds(clock.now() - start), 1.0 / 6, 1e-5);
}

TEST(RateLimit, AfterARestABurstIsExactlyTheBurst) {
  for (const std::uint64_t rate : {3U, 7U, 999U, 600'000'000U, 999'999'999U}) {
    ManualClock clock;
    RateLimit limit({.rate = rate, .period = seconds(1), .burst = 10});
    for (int round = 0; round < 50; ++round) {
      int admitted = 0;
      while (limit.try_acquire(clock.now()).admitted) ++admitted;
      EXPECT_EQ(admitted, 10) << rate;
      clock.advance(seconds(10) + Duration(round));
    }
  }
}

TEST(RateLimit, TheWaitItNamesIsExactForRatesThatDoNotDivideToo) {
  for (const std::uint64_t rate : {3U, 7U, 999U}) {
    ManualClock clock;
    RateLimit limit({.rate = rate, .period = seconds(1), .burst = 4});
    for (int i = 0; i < 1000; ++i) {
      const auto cost = static_cast<std::uint64_t>(1 + i % 4);
      const auto decision = limit.try_acquire(clock.now(), cost);
      if (decision.admitted) continue;
      clock.advance(decision.wait - Duration(1));
      EXPECT_FALSE(limit.try_acquire(clock.now(), cost).admitted);
      clock.advance(Duration(1));
      EXPECT_TRUE(limit.try_acquire(clock.now(), cost).admitted);
    }
  }
}

TEST(RateLimit, ItDoesNotMatterWhenTheClockBegan) {
  for (const TimePoint start : {TimePoint::min(), TimePoint(-std::chrono::hours(5)), TimePoint(Duration(0)),
                                TimePoint::max() - std::chrono::hours(1)}) {
    for (const std::uint64_t burst : {3U, 1000U}) {
      ManualClock clock(start);
      RateLimit limit(ten_a_second(burst));
      for (unsigned i = 0; i < burst; ++i) ASSERT_TRUE(limit.try_acquire(clock.now()).admitted) << burst;
      EXPECT_FALSE(limit.try_acquire(clock.now()).admitted);
      clock.advance(milliseconds(100));
      EXPECT_TRUE(limit.try_acquire(clock.now()).admitted);
      EXPECT_FALSE(limit.try_acquire(clock.now()).admitted);
    }
  }
}

// The bug this guards against: places that are taken without end run into the end of time, and begin anew.
TEST(RateLimit, ReservationsWithoutEndStopBeforeTheEndOfTime) {
  ManualClock clock;
  RateLimit limit({.rate = 1, .period = std::chrono::hours(24), .burst = 30'000});
  Duration last{};
  for (int i = 0; i < 20; ++i) {
    const auto decision = limit.reserve(clock.now(), Duration::max(), 30'000);
    EXPECT_TRUE(decision.admitted || decision.never());
    EXPECT_GE(decision.wait, last);
    last = decision.wait;
  }
  EXPECT_EQ(last, Duration::max());
}

TEST(RateLimit, ACallThatCostsNothingTakesNothing) {
  ManualClock clock;
  RateLimit limit(ten_a_second(2));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.try_acquire(clock.now(), 0).admitted);
  EXPECT_TRUE(limit.try_acquire(clock.now(), 2).admitted);
}

TEST(RateLimit, EveryFaultOfTheOptionsIsNamed) {
  const RateLimitOptions bad{.rate = 0, .period = Duration(1), .burst = 0};
  const auto faults = bad.validate();
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_NE(faults[0].find("rate is 0"), std::string::npos);
  EXPECT_NE(faults[1].find("period is 1ns"), std::string::npos);
  EXPECT_NE(faults[2].find("burst is 0"), std::string::npos);
  EXPECT_TRUE(RateLimitOptions{}.validate().empty());
  const RateLimitOptions too_long{.rate = 1, .period = std::chrono::hours(24), .burst = 1'000'000'000};
  ASSERT_EQ(too_long.validate().size(), 1U);
  EXPECT_NE(too_long.validate()[0].find("burst is 1000000000"), std::string::npos);
}

}  // namespace
}  // namespace quoll::core

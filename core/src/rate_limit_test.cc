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

TEST(RateLimit, EveryFaultOfTheOptionsIsNamed) {
  const RateLimitOptions bad{.rate = 0, .period = Duration(1), .burst = 0};
  const auto faults = bad.validate();
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_NE(faults[0].find("rate is 0"), std::string::npos);
  EXPECT_NE(faults[2].find("period"), std::string::npos);
  EXPECT_TRUE(RateLimitOptions{}.validate().empty());
  const RateLimitOptions too_long{.rate = 1, .period = std::chrono::hours(24), .burst = 1'000'000'000};
  ASSERT_EQ(too_long.validate().size(), 1U);
  EXPECT_NE(too_long.validate()[0].find("burst is 1000000000"), std::string::npos);
}

}  // namespace
}  // namespace quoll::core

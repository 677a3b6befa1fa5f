#include "quoll/core/rate_limit.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

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

TEST(RateLimit, TwoThreadsTogetherGetNoMoreThanOneWould) {
  RateLimit limit({.rate = 1, .period = std::chrono::hours(1), .burst = 1000});
  const TimePoint now = ManualClock().now();
  std::atomic<int> admitted{0};
  auto work = [&] {
    for (int i = 0; i < 5000; ++i) admitted += limit.try_acquire(now).admitted ? 1 : 0;
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(admitted.load(), 1000);
}

TEST(RateLimit, EveryFaultOfTheOptionsIsNamed) {
  const RateLimitOptions bad{.rate = 0, .period = Duration(1), .burst = 0};
  const auto faults = bad.validate();
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_NE(faults[0].find("rate is 0"), std::string::npos);
  EXPECT_NE(faults[2].find("period"), std::string::npos);
  EXPECT_TRUE(RateLimitOptions{}.validate().empty());
}

}  // namespace
}  // namespace quoll::core

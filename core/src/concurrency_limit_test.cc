#include "quoll/core/concurrency_limit.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

TEST(PermitPool, GivesAsManyAsTheLimitAndNoMore) {
  PermitPool pool(10);
  for (unsigned i = 0; i < 10; ++i) EXPECT_TRUE(pool.try_take(i));
  for (unsigned i = 0; i < 4; ++i) EXPECT_FALSE(pool.try_take(i));
  EXPECT_EQ(pool.in_use(), 10U);
}

TEST(PermitPool, AShardThatRanOutTakesFromOthers) {
  PermitPool pool(2);
  ASSERT_TRUE(pool.try_take(0));
  ASSERT_TRUE(pool.try_take(0));
  pool.give_back(0);
  EXPECT_TRUE(pool.try_take(3));
  EXPECT_FALSE(pool.try_take(0));
}

TEST(PermitPool, ALimitLoweredUnderWhatIsInUseIsReachedAsPermitsComeBack) {
  PermitPool pool(10);
  for (unsigned i = 0; i < 8; ++i) ASSERT_TRUE(pool.try_take(i));
  pool.set_limit(4);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_FALSE(pool.try_take(i));
    pool.give_back(i);
  }
  EXPECT_FALSE(pool.try_take(0));
  pool.give_back(0);
  EXPECT_TRUE(pool.try_take(1));
  EXPECT_FALSE(pool.try_take(2));
}

TEST(PermitPool, NeitherLosesNorInventsPermitsWhateverHappens) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    unsigned limit = 8;
    PermitPool pool(limit);
    std::vector<unsigned> held;
    for (int i = 0; i < 2000; ++i) {
      const auto shard = static_cast<unsigned>(rng.uniform_int(0, 5));
      if (rng.chance(0.02)) pool.set_limit(limit = static_cast<unsigned>(rng.uniform_int(0, 20)));
      if (rng.chance(0.5)) {
        // Exact on one thread: admitted if and only if there is room.
        const bool room = held.size() < limit;
        RC_ASSERT(pool.try_take(shard) == room);
        if (room) held.push_back(shard);
      } else if (!held.empty()) {
        pool.give_back(held.back());
        held.pop_back();
      }
      RC_ASSERT(pool.in_use() == held.size());
    }
  }));
}

TEST(PermitPool, ThreadsTogetherNeverExceedTheLimitAndLeakNothing) {
  PermitPool pool(5);
  std::atomic<unsigned> used{0};
  auto work = [&](unsigned shard) {
    for (int i = 0; i < 20'000; ++i) {
      unsigned mine = 0;
      while (mine < 4 && pool.try_take(shard)) {
        ++mine;
        EXPECT_LE(++used, 5U);
      }
      for (; mine > 0; --mine) {
        --used;
        pool.give_back(shard);
      }
    }
  };
  std::thread other(work, 1);
  std::thread third(work, 1);
  work(0);
  other.join();
  third.join();
  EXPECT_EQ(pool.in_use(), 0U);
}

// A callee that works on `width` calls at once, each for `service`; further ones wait their turn. The caller always has
// as many calls under way as it may, up to `demand`.
struct Callee {
  unsigned width;
  Duration service;
};

Duration run(ConcurrencyLimit& limit, ManualClock& clock, const Callee& callee, unsigned windows, unsigned demand) {
  Duration latency{};
  for (unsigned i = 0; i < windows; ++i) {
    const unsigned under_way = std::min(limit.limit(), demand);
    latency = callee.service * std::max(callee.width, under_way) / callee.width;
    const auto calls = std::max<unsigned>(12, static_cast<unsigned>(under_way * milliseconds(101) / latency));
    for (unsigned k = 0; k < calls; ++k) {
      auto slot = limit.try_acquire(k);
      EXPECT_TRUE(slot);
      clock.advance(Duration(milliseconds(101)) / calls);
      limit.record(std::move(*slot), {.upstream = latency}, clock.now());
    }
  }
  return latency;
}

TEST(ConcurrencyLimit, AFixedOneStaysWhereItIs) {
  ManualClock clock;
  ConcurrencyLimit limit({.algorithm = LimitAlgorithm::fixed, .initial = 20});
  run(limit, clock, {5, milliseconds(10)}, 100, 1000);
  EXPECT_EQ(limit.limit(), 20U);
}

TEST(ConcurrencyLimit, EachAlgorithmFindsTheCalleesWidthWithoutBuildingAQueue) {
  for (const LimitAlgorithm algorithm : {LimitAlgorithm::aimd, LimitAlgorithm::vegas, LimitAlgorithm::gradient2}) {
    ManualClock clock;
    ConcurrencyLimit limit({.algorithm = algorithm, .maximum = 1000, .slow = milliseconds(25)});
    const Duration latency = run(limit, clock, {50, milliseconds(20)}, 400, 10'000);
    SCOPED_TRACE(to_string(algorithm));
    EXPECT_GE(limit.limit(), 45U);
    EXPECT_LE(limit.limit(), 110U);
    EXPECT_LE(latency, milliseconds(44));
  }
}

// The bug this guards against: after a minute of overload the overloaded latency is taken for the normal one.
TEST(ConcurrencyLimit, AnHourOfOverloadDoesNotMakeTheQueueNormal) {
  for (const LimitAlgorithm algorithm : {LimitAlgorithm::vegas, LimitAlgorithm::gradient2}) {
    ManualClock clock;
    ConcurrencyLimit limit({.algorithm = algorithm, .maximum = 1000});
    double sum = 0;
    for (int i = 0; i < 720; ++i) sum += to_millis(run(limit, clock, {50, milliseconds(20)}, 50, 10'000));
    EXPECT_LE(sum / 720, 40) << to_string(algorithm);
  }
}

TEST(ConcurrencyLimit, ACalleeThatIsSlowerForGoodIsNotHeldToItsOldLatency) {
  for (const LimitAlgorithm algorithm : {LimitAlgorithm::vegas, LimitAlgorithm::gradient2}) {
    ManualClock clock;
    ConcurrencyLimit limit({.algorithm = algorithm, .maximum = 1000});
    run(limit, clock, {50, milliseconds(20)}, 300, 10'000);
    run(limit, clock, {50, milliseconds(60)}, 600, 10'000);
    EXPECT_GE(limit.limit(), 40U) << to_string(algorithm);
  }
}

TEST(ConcurrencyLimit, GrowsNoFurtherThanTheTrafficUsesIt) {
  for (const LimitAlgorithm algorithm : {LimitAlgorithm::aimd, LimitAlgorithm::vegas, LimitAlgorithm::gradient2}) {
    ManualClock clock;
    ConcurrencyLimit limit({.algorithm = algorithm, .maximum = 1000});
    run(limit, clock, {500, milliseconds(20)}, 400, 30);
    EXPECT_LE(limit.limit(), 85U) << to_string(algorithm);
  }
}

TEST(ConcurrencyLimit, ACalleeThatGetsSlowerIsGivenLessAndLaterMoreAgain) {
  for (const LimitAlgorithm algorithm : {LimitAlgorithm::vegas, LimitAlgorithm::gradient2}) {
    ManualClock clock;
    ConcurrencyLimit limit({.algorithm = algorithm, .maximum = 1000});
    run(limit, clock, {50, milliseconds(20)}, 300, 10'000);
    const unsigned before = limit.limit();
    run(limit, clock, {10, milliseconds(20)}, 50, 10'000);
    SCOPED_TRACE(to_string(algorithm));
    EXPECT_LT(limit.limit(), before * 3 / 4);
    run(limit, clock, {50, milliseconds(20)}, 400, 10'000);
    EXPECT_GE(limit.limit(), 40U);
  }
}

TEST(ConcurrencyLimit, TimeoutsShrinkAimdToItsMinimumAndNoFurther) {
  ManualClock clock;
  ConcurrencyLimit limit({.algorithm = LimitAlgorithm::aimd, .minimum = 7});
  for (int i = 0; i < 2000; ++i) {
    auto slot = limit.try_acquire();
    ASSERT_TRUE(slot);
    limit.record(std::move(*slot), {.outcome = Outcome::timeout, .upstream = seconds(1)},
                 clock.advance(milliseconds(10)));
  }
  EXPECT_EQ(limit.limit(), 7U);
}

TEST(ConcurrencyLimit, FailuresAndCancelledCallsTeachNothing) {
  ManualClock clock;
  ConcurrencyLimit limit({.algorithm = LimitAlgorithm::aimd});
  for (const Outcome outcome : {Outcome::failure, Outcome::cancelled, Outcome::ignored}) {
    for (int i = 0; i < 1000; ++i) {
      limit.record(std::move(*limit.try_acquire()), {.outcome = outcome}, clock.advance(milliseconds(10)));
    }
  }
  EXPECT_EQ(limit.snapshot().windows, 0U);
  EXPECT_EQ(limit.limit(), 20U);
}

TEST(ConcurrencyLimit, ADroppedSlotFreesItsPlace) {
  ConcurrencyLimit limit({.algorithm = LimitAlgorithm::fixed, .initial = 1, .minimum = 1});
  {
    const auto slot = limit.try_acquire();
    ASSERT_TRUE(slot);
    EXPECT_FALSE(limit.try_acquire());
  }
  auto first = limit.try_acquire();
  ASSERT_TRUE(first);
  Slot moved = std::move(*first);
  first.reset();
  EXPECT_EQ(limit.in_flight(), 1U);
}

TEST(ConcurrencyLimit, StaysBetweenMinimumAndMaximumWhateverItIsTold) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock;
    const auto algorithm = static_cast<LimitAlgorithm>(rng.uniform_int(1, 3));
    ConcurrencyLimit limit({.algorithm = algorithm, .initial = 10, .minimum = 3, .maximum = 40, .minimum_samples = 2});
    for (int i = 0; i < 3000; ++i) {
      auto slot = limit.try_acquire(static_cast<unsigned>(i));
      if (!slot) continue;
      const auto outcome = static_cast<Outcome>(rng.uniform_int(0, kOutcomes - 1));
      limit.record(std::move(*slot), {.outcome = outcome, .upstream = rng.uniform(Duration(-5), seconds(3))},
                   clock.advance(rng.uniform(Duration::zero(), milliseconds(60))));
      RC_ASSERT(limit.limit() >= 3U);
      RC_ASSERT(limit.limit() <= 40U);
    }
    RC_ASSERT(limit.in_flight() == 0U);
  }));
}

TEST(ConcurrencyLimit, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(ConcurrencyLimitOptions{}.validate().empty());
  const ConcurrencyLimitOptions bad{.initial = 500,
                                    .minimum = 300,
                                    .maximum = 200,
                                    .window = Duration(1),
                                    .minimum_samples = 0,
                                    .smoothing = 0,
                                    .tolerance = 0.5,
                                    .queue = 0,
                                    .long_window = 1,
                                    .probe_interval = std::chrono::hours(2),
                                    .backoff = 1,
                                    .slow = std::chrono::hours(2)};
  EXPECT_EQ(bad.validate().size(), 11U);
}

// The bug this guards against: a count of 20 bits, so that 2^20 calls of 1 ms in a window had a mean of 260 ms.
TEST(ConcurrencyLimit, AWindowOfAMinuteHoldsMillionsOfCalls) {
  ManualClock clock;
  ConcurrencyLimit limit({.algorithm = LimitAlgorithm::vegas, .window = std::chrono::minutes(1)});
  constexpr int kMany = (1 << 20) + 4096;
  for (int i = 0; i <= kMany; ++i) {
    auto slot = limit.try_acquire();
    ASSERT_TRUE(slot);
    if (i == kMany) clock.advance(std::chrono::minutes(1));
    limit.record(std::move(*slot), {.upstream = milliseconds(1)}, clock.now());
  }
  EXPECT_EQ(limit.snapshot().windows, 1U);
  EXPECT_EQ(limit.snapshot().rtt, milliseconds(1));
}

TEST(ConcurrencyLimit, LearnsAtTimesBeforeTheClocksEpoch) {
  for (const TimePoint start : {TimePoint::min(), TimePoint(-std::chrono::hours(1)), TimePoint(-milliseconds(500)),
                                TimePoint(Duration(0)), TimePoint::max() - seconds(1)}) {
    ManualClock clock(start);
    ConcurrencyLimit limit({.algorithm = LimitAlgorithm::aimd, .initial = 20});
    for (int i = 0; i < 500; ++i) {
      auto slot = limit.try_acquire();
      ASSERT_TRUE(slot);
      limit.record(std::move(*slot), {.outcome = Outcome::timeout, .upstream = milliseconds(2)},
                   clock.advance(milliseconds(1)));
    }
    EXPECT_GE(limit.snapshot().windows, 4U);
    EXPECT_LT(limit.limit(), 14U);
  }
}

TEST(ConcurrencyLimit, AnAlgorithmThatIsNoneIsAFault) {
  ConcurrencyLimitOptions options;
  options.algorithm = static_cast<LimitAlgorithm>(9);
  ASSERT_EQ(options.validate().size(), 1U);
  EXPECT_EQ(options.validate()[0], "algorithm is 9; it must be one of fixed, aimd, vegas, gradient2");
}

}  // namespace
}  // namespace quoll::core

#include "quoll/core/retry.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <thread>

#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

TEST(RetryPolicy, StopsAtTheMaximumNumberOfAttempts) {
  ManualClock clock;
  RetryPolicy policy({.max_attempts = 3}, nullptr, 1);
  EXPECT_TRUE(policy.decide({.attempts = 1}, clock.now()));
  EXPECT_TRUE(policy.decide({.attempts = 2}, clock.now()));
  EXPECT_EQ(policy.decide({.attempts = 3}, clock.now()).refusal, RetryRefusal::attempts_used_up);
}

TEST(RetryPolicy, DoesNotRepeatWhatMayHaveBeenCarriedOut) {
  ManualClock clock;
  RetryPolicy policy({}, nullptr, 1);
  EXPECT_EQ(policy.decide({.idempotent = false}, clock.now()).refusal, RetryRefusal::not_idempotent);
  EXPECT_TRUE(policy.decide({.idempotent = false, .never_sent = true}, clock.now()));
  RetryPolicy bold({.non_idempotent = true}, nullptr, 1);
  EXPECT_TRUE(bold.decide({.idempotent = false}, clock.now()));
}

TEST(RetryPolicy, BackOffIsUniformBelowADoublingCeilingAndTheCap) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const auto attempts = *rc::gen::inRange(1U, 99U);
    RetryPolicy policy({.max_attempts = 100, .base = milliseconds(10), .cap = milliseconds(500)}, nullptr, seed);
    const auto decision = policy.decide({.attempts = attempts}, ManualClock().now());
    RC_ASSERT(decision.wait >= Duration::zero());
    RC_ASSERT(decision.wait <= milliseconds(500));
    if (attempts < 6) RC_ASSERT(decision.wait <= milliseconds(10) * (1 << (attempts - 1)));
  }));
}

TEST(RetryPolicy, JitterCoversTheWholeRange) {
  RetryPolicy policy({.max_attempts = 2, .base = milliseconds(100)}, nullptr, 11);
  int low = 0;
  int high = 0;
  for (int i = 0; i < 1000; ++i) {
    const Duration wait = policy.decide({}, ManualClock().now()).wait;
    low += wait < milliseconds(25) ? 1 : 0;
    high += wait > milliseconds(75) ? 1 : 0;
  }
  EXPECT_NEAR(low, 250, 60);
  EXPECT_NEAR(high, 250, 60);
}

TEST(RetryPolicy, WaitsAtLeastAsLongAsTheCalleeAsked) {
  RetryPolicy policy({}, nullptr, 5);
  const auto decision = policy.decide({.retry_after = seconds(2)}, ManualClock().now());
  ASSERT_TRUE(decision);
  EXPECT_GE(decision.wait, seconds(2));
  EXPECT_LE(decision.wait, seconds(2) + milliseconds(25));
  EXPECT_EQ(policy.decide({.retry_after = seconds(11)}, ManualClock().now()).refusal,
            RetryRefusal::retry_after_too_long);
}

TEST(RetryPolicy, DoesNotStartPastTheCallsDeadline) {
  RetryBudget budget({});
  RetryPolicy policy({}, &budget, 5);
  const TimePoint now = ManualClock().now();
  const double before = budget.balance(now);
  const auto decision = policy.decide({.retry_after = seconds(2), .remaining = seconds(1)}, now);
  EXPECT_EQ(decision.refusal, RetryRefusal::past_deadline);
  EXPECT_EQ(budget.balance(now), before);
}

TEST(RetryBudget, InATotalOutageRetriesStayAtTheRatio) {
  ManualClock clock;
  RetryBudget budget({.ratio = 0.2, .minimum_per_second = 0, .capacity = 10});
  int retries = 0;
  for (int i = 0; i < 10'000; ++i) {
    budget.deposit();
    retries += budget.try_withdraw(clock.advance(milliseconds(1))) ? 1 : 0;
  }
  EXPECT_NEAR(retries, 10 + 2000, 2);
}

TEST(RetryBudget, AQuietClientMayStillRetryAtTheMinimumRate) {
  ManualClock clock;
  RetryBudget budget({.ratio = 0, .minimum_per_second = 10, .capacity = 1});
  int retries = 0;
  for (int i = 0; i < 10'000; ++i) retries += budget.try_withdraw(clock.advance(milliseconds(1))) ? 1 : 0;
  EXPECT_NEAR(retries, 100, 2);
}

// The bug this guards against: each step of the trickle was rounded down on its own.
TEST(RetryBudget, TheTrickleLosesNothingHoweverOftenItIsAsked) {
  for (const double per_second : {0.1, 1.0 / 3, 7.0, 1e6}) {
    for (const Duration step : {Duration(1), Duration(999), Duration(std::chrono::microseconds(9)),
                                Duration(milliseconds(7)), Duration(seconds(1)), Duration(std::chrono::hours(1))}) {
      ManualClock clock;
      RetryBudget budget({.ratio = 0, .minimum_per_second = per_second, .capacity = 1'000'000});
      while (budget.try_withdraw(clock.now())) {
      }
      const TimePoint start = clock.now();
      std::uint64_t withdrawn = 0;
      for (int i = 0; i < 100'000 && to_seconds(clock.now() - start) * per_second < 100'000; ++i) {
        clock.advance(step);
        while (budget.try_withdraw(clock.now())) ++withdrawn;
      }
      const double earned = std::min(1e6, to_seconds(clock.now() - start) * per_second);
      EXPECT_LE(static_cast<double>(withdrawn), earned + 1e-3) << per_second << " each " << format_duration(step);
      if (per_second * to_seconds(step) < 1e6) {  // else the bucket is too small for a step
        EXPECT_GE(static_cast<double>(withdrawn) + 1.001, earned) << per_second << " each " << format_duration(step);
      }
    }
  }
}

TEST(RetryBudget, ATenthASecondAskedEveryNineMicrosecondsIsTenInAHundredSeconds) {
  ManualClock clock;
  RetryBudget budget({.ratio = 0, .minimum_per_second = 0.1, .capacity = 10});
  while (budget.try_withdraw(clock.now())) {
  }
  const TimePoint end = clock.now() + seconds(100);
  int retries = 0;
  while (clock.advance(std::chrono::microseconds(9)) <= end) retries += budget.try_withdraw(clock.now()) ? 1 : 0;
  EXPECT_GE(retries, 9);
  EXPECT_LE(retries, 10);
}

TEST(RetryBudget, TricklesBeforeTheClocksEpochAndAcrossIt) {
  for (const TimePoint start : {TimePoint::min(), TimePoint(-std::chrono::hours(1)), TimePoint(-seconds(5)),
                                TimePoint(Duration(0)), TimePoint::max() - seconds(20)}) {
    ManualClock clock(start);
    RetryBudget budget({.ratio = 0, .minimum_per_second = 2, .capacity = 100});
    clock.advance(Duration(1));
    while (budget.try_withdraw(clock.now())) {
    }
    EXPECT_NEAR(budget.balance(clock.advance(seconds(10))), 20, 0.01);
    EXPECT_TRUE(budget.try_withdraw(clock.now()));
    EXPECT_NEAR(budget.balance(clock.now()), 19, 0.01);
  }
}

TEST(RetryBudget, AnEndlessPauseFillsItAndNoMore) {
  RetryBudget budget({.ratio = 0, .minimum_per_second = 1e6, .capacity = 1e6});
  EXPECT_TRUE(budget.try_withdraw(TimePoint::min() + Duration(1)));
  EXPECT_EQ(budget.balance(TimePoint::max()), 1e6);
  EXPECT_TRUE(budget.try_withdraw(TimePoint::max()));
  EXPECT_EQ(budget.balance(TimePoint::max()), 1e6 - 1);
}

TEST(RetryBudget, FractionsThatAddUpToATokenAreOne) {
  for (const unsigned parts : {2U, 3U, 6U, 7U, 9U, 10U, 1000U}) {
    RetryBudget budget({.ratio = 1.0 / parts, .minimum_per_second = 0, .capacity = 1});
    const TimePoint now = ManualClock().now();
    ASSERT_TRUE(budget.try_withdraw(now));
    for (unsigned i = 1; i < parts; ++i) budget.deposit();
    EXPECT_FALSE(budget.try_withdraw(now)) << parts;
    budget.deposit();
    EXPECT_TRUE(budget.try_withdraw(now)) << parts;
  }
}

TEST(RetryPolicy, ANegativeRetryAfterIsNone) {
  for (const Duration asked : {Duration(-seconds(5)), Duration::min(), Duration(-1), Duration::zero()}) {
    RetryPolicy policy({}, nullptr, 5);
    for (int i = 0; i < 100; ++i) {
      const auto decision = policy.decide({.retry_after = asked}, ManualClock().now());
      ASSERT_TRUE(decision);
      EXPECT_GE(decision.wait, Duration::zero());
      EXPECT_LE(decision.wait, milliseconds(25));
    }
  }
}

TEST(RetryBudget, TheReserveIsNotSpent) {
  RetryBudget budget({.ratio = 0, .minimum_per_second = 0, .capacity = 10, .reserve = 0.5});
  int retries = 0;
  for (int i = 0; i < 100; ++i) retries += budget.try_withdraw(ManualClock().now()) ? 1 : 0;
  EXPECT_EQ(retries, 5);
}

TEST(RetryBudget, NeverHoldsMoreThanItsCapacity) {
  ManualClock clock;
  RetryBudget budget({.capacity = 5});
  for (int i = 0; i < 1000; ++i) budget.deposit(static_cast<unsigned>(i));
  clock.advance(std::chrono::hours(1));
  EXPECT_LE(budget.balance(clock.now()), 5.0);
}

TEST(RetryBudget, ThreadsTogetherWithdrawNoMoreThanWasDeposited) {
  RetryBudget budget({.ratio = 0.5, .minimum_per_second = 0, .capacity = 100});
  const TimePoint now = ManualClock().now();
  std::atomic<int> retries{0};
  auto work = [&](unsigned stripe) {
    for (int i = 0; i < 10'000; ++i) {
      budget.deposit(stripe);
      retries += budget.try_withdraw(now) ? 1 : 0;
    }
  };
  std::thread other(work, 1U);
  work(0);
  other.join();
  EXPECT_LE(retries.load(), 100 + 10'000);
  EXPECT_GE(retries.load(), 9'000);
}

TEST(RetryOptions, EveryFaultIsNamed) {
  EXPECT_EQ((RetryOptions{.max_attempts = 0, .base = seconds(2), .cap = seconds(1)}).validate().size(), 2U);
  EXPECT_EQ((RetryBudgetOptions{.ratio = -1, .capacity = 0, .reserve = 1}).validate().size(), 3U);
  EXPECT_TRUE(RetryOptions{}.validate().empty());
  EXPECT_TRUE(RetryBudgetOptions{}.validate().empty());
}

}  // namespace
}  // namespace quoll::core

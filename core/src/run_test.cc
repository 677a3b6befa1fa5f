#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>

#include "quoll/base/result.h"
#include "quoll/core/blocking.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using testing::ManualClock;

// A clock that the call itself moves on, and futures that are ready or not.
struct ManualEnv {
  TimePoint now() const { return clock->now(); }
  void sleep(Duration time) { clock->advance(time); }
  template <typename Future>
  bool wait(Future& future, Duration limit) {
    waited = limit;
    return SteadyEnv::wait(future, Duration::zero());
  }
  ManualClock* clock;
  Duration waited{};
};

struct Rig {
  ManualClock clock;
  ManualEnv env{&clock};
  Breaker breaker = Breaker::create({}, 1).value();
  Pipeline pipeline{.breaker = &breaker, .fixed_timeout = milliseconds(100)};
  WindowCounts counts() { return breaker.snapshot(clock.now()).counts; }
};

TEST(Run, AValueIsASuccessThatTookAsLongAsTheCall) {
  Rig rig;
  const auto called = run<int>(
      rig.pipeline, {},
      [&] {
        rig.clock.advance(milliseconds(7));
        return 42;
      },
      rig.env);
  EXPECT_EQ(called.value, 42);
  EXPECT_EQ(rig.counts().success, 1U);
  EXPECT_NEAR(to_millis(rig.breaker.snapshot(rig.clock.now()).mean), 7, 0.06);
}

TEST(Run, TheCallIsToldItsLimit) {
  Rig rig;
  EXPECT_EQ(run<Duration>(
                rig.pipeline, {}, [](Duration limit) { return limit; }, rig.env)
                .value,
            milliseconds(100));
}

TEST(Run, AnEmptyOptionalAndAnErrorAreFailures) {
  Rig rig;
  const auto none = run<std::string>(
      rig.pipeline, {}, [] { return std::optional<std::string>(); }, rig.env);
  EXPECT_FALSE(none);
  EXPECT_EQ(none.error.outcome, Outcome::failure);
  const auto error = run<std::string>(
      rig.pipeline, {}, [] { return Result<std::string>(Error{"no"}); }, rig.env);
  EXPECT_FALSE(error);
  EXPECT_EQ(rig.counts().failure, 2U);
  const auto some = run<std::string>(
      rig.pipeline, {}, [] { return Result<std::string>("yes"); }, rig.env);
  EXPECT_EQ(some.value, "yes");
}

TEST(Run, WhatHasNoValueAfterTheLimitIsATimeout) {
  Rig rig;
  const auto called = run<int>(
      rig.pipeline, {},
      [&](Duration limit) {
        rig.clock.advance(limit);
        return std::optional<int>();
      },
      rig.env);
  EXPECT_EQ(called.error.outcome, Outcome::timeout);
  EXPECT_EQ(rig.counts().timeout, 1U);
}

TEST(Run, AnExceptionIsAFailureAndIsKept) {
  Rig rig;
  Fallback<int> fallback;
  fallback.add_value("zero", 0);
  const auto called = run(
      rig.pipeline, {}, fallback, []() -> int { throw std::runtime_error("broken"); }, rig.env);
  EXPECT_EQ(called.value, 0);
  EXPECT_EQ(*called.source, "zero");
  EXPECT_THROW(std::rethrow_exception(called.thrown), std::runtime_error);
  EXPECT_EQ(rig.counts().failure, 1U);
}

TEST(Run, AnExceptionOfAnEarlierAttemptIsNotToldWithALaterOne) {
  Rig rig;
  RetryPolicy retry({.max_attempts = 2}, nullptr, 1);
  rig.pipeline.retry = &retry;
  int calls = 0;
  const auto called = run<int>(
      rig.pipeline, {},
      [&]() -> std::optional<int> {
        if (++calls == 1) throw std::runtime_error("broken");
        return std::nullopt;
      },
      rig.env);
  EXPECT_EQ(called.error.attempts, 2U);
  EXPECT_EQ(called.thrown, nullptr);
}

TEST(Run, WhatIsNoStdExceptionPassesThroughAndCancelsTheCall) {
  Rig rig;
  struct Gone {};
  const auto call = [&] {
    (void)run<int>(
        rig.pipeline, {}, []() -> int { throw Gone(); }, rig.env);
  };
  EXPECT_THROW(call(), Gone);
  EXPECT_EQ(rig.counts().calls, 0U);
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.cancelled, 1U);
}

TEST(Run, AFutureIsWaitedForUntilTheLimit) {
  Rig rig;
  std::promise<int> answered;
  answered.set_value(7);
  EXPECT_EQ(run<int>(
                rig.pipeline, {}, [&] { return answered.get_future(); }, rig.env)
                .value,
            7);
  EXPECT_EQ(rig.env.waited, milliseconds(100));

  std::promise<int> silent;
  const auto called = run<int>(
      rig.pipeline, {}, [&] { return silent.get_future(); }, rig.env);
  EXPECT_EQ(called.error.outcome, Outcome::timeout);
  EXPECT_EQ(rig.counts().timeout, 1U);
}

TEST(Run, AFutureMayHoldAnExceptionAReplyOrBeShared) {
  Rig rig;
  std::promise<int> broken;
  broken.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
  EXPECT_EQ(run<int>(
                rig.pipeline, {}, [&] { return broken.get_future(); }, rig.env)
                .error.outcome,
            Outcome::failure);

  std::promise<Reply<int>> judged;
  judged.set_value({.value = std::nullopt, .sample = {.outcome = Outcome::ignored}});
  EXPECT_EQ(run<int>(
                rig.pipeline, {}, [&] { return judged.get_future(); }, rig.env)
                .error.outcome,
            Outcome::ignored);

  std::promise<int> once;
  once.set_value(3);
  const std::shared_future<int> shared = once.get_future();
  EXPECT_EQ(run<int>(
                rig.pipeline, {}, [&] { return shared; }, rig.env)
                .value,
            3);
}

TEST(Run, AValueThatCannotBeCopiedIsMovedThrough) {
  Rig rig;
  const auto called = run<std::unique_ptr<int>>(
      rig.pipeline, {}, [] { return std::make_unique<int>(5); }, rig.env);
  EXPECT_EQ(**called.value, 5);
}

TEST(Run, WithoutALimitAFutureIsWaitedForAsLongAsItTakes) {
  std::promise<int> answered;
  answered.set_value(1);
  EXPECT_EQ(run<int>(Pipeline(), {}, [&] { return answered.get_future(); }).value, 1);
  EXPECT_EQ(run<int>(Pipeline(), {}, [] { return std::async(std::launch::deferred, [] { return 2; }); }).value, 2);
}

}  // namespace
}  // namespace quoll::core

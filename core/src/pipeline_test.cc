#include "quoll/core/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/core/blocking.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::ManualClock;

// All policies, in a state in which they let everything through.
struct Rig {
  ManualClock clock;
  RetryBudget budget{RetryBudgetOptions{}};
  RetryPolicy retry{RetryOptions{}, &budget, 1};
  RateLimit rate{RateLimitOptions{.rate = 1'000'000, .burst = 1'000'000}};
  ConcurrencyLimit concurrency{ConcurrencyLimitOptions{.algorithm = LimitAlgorithm::fixed}};
  Breaker breaker = Breaker::create({}, 1).value();
  Throttle throttle{ThrottleOptions{.padding = 10'000}};
  AdaptiveTimeout timeout{AdaptiveTimeoutOptions{}};
  Pipeline pipeline{.retry = &retry,
                    .rate_limit = &rate,
                    .concurrency = &concurrency,
                    .breaker = &breaker,
                    .throttle = &throttle,
                    .timeout = &timeout};

  void open() {
    while (breaker.state() == State::closed) {
      (void)breaker.record(std::move(*breaker.try_acquire(clock.now()).permit), {.outcome = Outcome::failure},
                           clock.now());
    }
  }
};

TEST(Pipeline, ASuccessIsSentOnceAndFreesEverything) {
  Rig rig;
  PipelineCall call(rig.pipeline, {});
  const Step step = call.start(rig.clock.now());
  EXPECT_EQ(step.next, Next::send);
  EXPECT_EQ(step.timeout, milliseconds(500));
  EXPECT_EQ(rig.concurrency.in_flight(), 1U);
  EXPECT_EQ(call.finish({.upstream = milliseconds(5)}, rig.clock.now()).next, Next::done);
  EXPECT_TRUE(call.succeeded());
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.success, 1U);
}

TEST(Pipeline, AFailureIsTriedAgainAfterAWait) {
  Rig rig;
  PipelineCall call(rig.pipeline, {});
  (void)call.start(rig.clock.now());
  const Step again = call.finish({.outcome = Outcome::failure}, rig.clock.now());
  ASSERT_EQ(again.next, Next::wait);
  EXPECT_EQ(rig.concurrency.in_flight(), 0U) << "no slot is held while waiting";
  EXPECT_EQ(call.start(rig.clock.advance(again.wait)).next, Next::send);
  EXPECT_EQ(call.finish({}, rig.clock.now()).next, Next::done);
  EXPECT_TRUE(call.succeeded());
  EXPECT_EQ(call.error().attempts, 2U);
}

TEST(Pipeline, WhatMayHaveBeenCarriedOutIsNotRepeated) {
  Rig rig;
  PipelineCall call(rig.pipeline, {.idempotent = false});
  (void)call.start(rig.clock.now());
  EXPECT_EQ(call.finish({.outcome = Outcome::timeout}, rig.clock.now()).next, Next::done);
  EXPECT_FALSE(call.succeeded());
  EXPECT_EQ(call.not_retried(), RetryRefusal::not_idempotent);
  EXPECT_EQ(call.error().outcome, Outcome::timeout);
}

TEST(Pipeline, AnOpenBreakerRefusesAndIsNotRetried) {
  Rig rig;
  rig.open();
  PipelineCall call(rig.pipeline, {});
  EXPECT_EQ(call.start(rig.clock.now()).next, Next::done);
  EXPECT_EQ(call.error().refused_by, RefusedBy::breaker);
  EXPECT_EQ(call.error().retry_after, seconds(5));
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(explain(call.error()), "refused by the breaker after 0 attempts; retry after 5s");
}

TEST(Pipeline, EachPolicyCanRefuseAndIsNamed) {
  const auto refused_by = [](const Pipeline& pipeline, Deadline deadline = {}) {
    PipelineCall call(pipeline, {.deadline = deadline});
    EXPECT_EQ(call.start(ManualClock().now()).next, Next::done);
    return call.error().refused_by;
  };
  RateLimit rate({.rate = 1, .burst = 1});
  (void)rate.try_acquire(ManualClock().now());
  EXPECT_EQ(refused_by({.rate_limit = &rate}), RefusedBy::rate_limit);
  ConcurrencyLimit full({.algorithm = LimitAlgorithm::fixed, .initial = 1, .minimum = 1});
  const auto slot = full.try_acquire();
  EXPECT_EQ(refused_by({.concurrency = &full}), RefusedBy::concurrency_limit);
  Throttle throttle({.padding = 0, .max_refused = 1});
  for (int i = 0; i < 100'000; ++i) (void)throttle.try_acquire(ManualClock().now());
  EXPECT_EQ(refused_by({.throttle = &throttle}), RefusedBy::throttle);
  EXPECT_EQ(refused_by({}, Deadline(ManualClock().now())), RefusedBy::deadline);
}

TEST(Pipeline, ARefusalAfterAPermitGivesItBack) {
  ManualClock clock;
  Rig rig;
  Throttle throttle({.padding = 0, .max_refused = 1});
  for (int i = 0; i < 100'000; ++i) (void)throttle.try_acquire(clock.now());
  rig.pipeline.throttle = &throttle;
  PipelineCall call(rig.pipeline, {});
  EXPECT_EQ(call.start(clock.now()).next, Next::done);
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(rig.breaker.snapshot(clock.now()).totals.cancelled, 1U);
}

TEST(Pipeline, NoAttemptIsLongerThanWhatIsLeftOfTheDeadline) {
  Rig rig;
  PipelineCall call(rig.pipeline, {.deadline = Deadline::in(milliseconds(80), rig.clock.now())});
  EXPECT_EQ(call.start(rig.clock.now()).timeout, milliseconds(80));
  rig.clock.advance(milliseconds(80));
  EXPECT_EQ(call.finish({.outcome = Outcome::timeout, .upstream = milliseconds(80)}, rig.clock.now()).next, Next::done);
  EXPECT_EQ(call.not_retried(), RetryRefusal::past_deadline);
}

TEST(Pipeline, ATrialGetsTheCeilingAndItsEndStartsTheLearningAnew) {
  Rig rig;
  for (int i = 0; i < 10 && rig.breaker.state() == State::closed; ++i) {
    PipelineCall call(rig.pipeline, {.idempotent = false});
    (void)call.start(rig.clock.now());
    (void)call.finish({.outcome = Outcome::failure}, rig.clock.now());
    const auto transition = call.take_transition();
    EXPECT_TRUE(!transition || transition->to == State::open);
  }
  EXPECT_TRUE(rig.timeout.snapshot().paused);
  PipelineCall trial(rig.pipeline, {});
  EXPECT_EQ(trial.start(rig.clock.advance(seconds(5))).timeout, seconds(5));
  EXPECT_TRUE(trial.trial());
  EXPECT_EQ(trial.take_transition()->to, State::half_open);
  (void)trial.finish({.upstream = seconds(1)}, rig.clock.now());
  EXPECT_EQ(trial.take_transition()->to, State::closed);
  EXPECT_FALSE(trial.take_transition());
  EXPECT_FALSE(rig.timeout.snapshot().paused);
  EXPECT_GT(rig.timeout.timeout(), milliseconds(1700));
}

TEST(Pipeline, SaysWhatItDoesInOrder) {
  Rig rig;
  EXPECT_EQ(rig.pipeline.describe(),
            "retry: 3 attempts, back-off 25ms..1s, budget 20 %\n"
            "rate_limit: 1000000 in 1s, burst 1000000\n"
            "concurrency_limit: fixed, now 20\n"
            "breaker: default, 50 % of 5 or more in 10s, closed\n"
            "throttle: k 2\n"
            "timeout: adaptive, p99 * 1.7 + 5ms, 10ms..5s, now 500ms\n");
  EXPECT_EQ(Pipeline{.fixed_timeout = milliseconds(300)}.describe(), "timeout: 300ms\n");
}

// Cancellation: whatever step a call is dropped at, everything comes back.
TEST(Pipeline, ACallThatIsDroppedAnywhereGivesEverythingBack) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    Rig rig;
    {
      std::vector<PipelineCall> calls;
      for (int i = 0; i < 200; ++i) {
        rig.clock.advance(milliseconds(rng.uniform_int(0, 300)));
        PipelineCall call(rig.pipeline, {});
        bool alive = call.start(rig.clock.now()).next == Next::send;
        while (alive && rng.chance(0.6)) {
          const auto outcome = static_cast<Outcome>(rng.uniform_int(0, kOutcomes - 1));
          const Step step = call.finish({.outcome = outcome, .upstream = milliseconds(1)}, rig.clock.now());
          alive =
              step.next == Next::wait && rng.chance(0.8) && call.start(rig.clock.advance(step.wait)).next == Next::send;
        }
        if (rng.chance(0.5)) calls.push_back(std::move(call));
        if (calls.size() > 15) calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(rng.uniform_int(0, 14)));
      }
    }
    RC_ASSERT(rig.concurrency.in_flight() == 0U);
    RC_ASSERT(rig.breaker.snapshot(rig.clock.now()).trials_in_flight == 0U);
  }));
}

struct ManualEnv {
  TimePoint now() const { return clock.now(); }
  void sleep(Duration time) { clock.advance(time); }
  void transition(const Transition& transition) { seen.push_back(transition); }
  ManualClock clock;
  std::vector<Transition> seen;
};

TEST(Run, TriesAgainAndFallsBackAndTellsTheTransitions) {
  ManualEnv env;
  Rig rig;
  int calls = 0;
  const auto failing = [&](Duration) {
    ++calls;
    return Reply<std::string>{.value = {}, .sample = {.outcome = Outcome::failure}};
  };
  Fallback<std::string> fallback;
  fallback.add("nothing", [](const CallError&) { return std::optional<std::string>(); }).add_value("sorry", "later");
  EXPECT_EQ(fallback.describe(), "nothing, sorry");
  for (int i = 0; i < 5; ++i) {
    const auto called = run<std::string>(rig.pipeline, {}, fallback, failing, env);
    EXPECT_EQ(*called.value, "later");
    EXPECT_EQ(*called.source, "sorry");
  }
  EXPECT_EQ(calls, 5) << "the breaker opens at five of five; before, each is tried three times";
  ASSERT_EQ(env.seen.size(), 1U);
  EXPECT_THAT(explain(env.seen[0]), HasSubstr("5 of 5 calls failed"));
}

// What a user writes: breaker, adaptive timeout, retry with a budget, and a fallback around a call.
TEST(Run, TenLinesAreEnough) {
  const auto fetch = [](Duration) { return Reply<std::string>{.value = "page", .sample = {}}; };

  Breaker breaker = Breaker::create({}, 1).value();
  AdaptiveTimeout timeout({});
  RetryBudget budget({});
  RetryPolicy retry({}, &budget, 1);
  const Pipeline pipeline{.retry = &retry, .breaker = &breaker, .timeout = &timeout};
  Fallback<std::string> fallback;
  fallback.add_value("sorry", "back in a minute");
  const auto called = run<std::string>(pipeline, {}, fallback, fetch);
  EXPECT_EQ(called.value.value(), "page");
  EXPECT_EQ(called.source, nullptr);
}

}  // namespace
}  // namespace quoll::core

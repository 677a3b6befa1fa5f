// What a PipelineCall does with the state of its policies: the timeout's learning follows the breaker, a retry that
// would be refused is not waited for, and only what is sent earns retries.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "quoll/core/pipeline.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

constexpr Sample kFails{.outcome = Outcome::failure, .upstream = milliseconds(1)};

// A pipeline whose breaker and timeout may be shared with another's.
struct Rig {
  ManualClock clock;
  Breaker breaker = Breaker::create({.minimum_volume = 1}, 1).value();
  AdaptiveTimeout timeout{{}};
  Pipeline pipeline{.breaker = &breaker, .timeout = &timeout};

  bool paused() const { return timeout.snapshot().paused; }
  // False when it was refused.
  bool call(const Pipeline& with, const Sample& sample = {.upstream = milliseconds(20)}) {
    PipelineCall call(with, {});
    if (call.start(clock.now()).next != Next::send) return false;
    (void)call.finish(sample, clock.now());
    return true;
  }
  void open() {
    EXPECT_TRUE(call(pipeline, kFails));
    EXPECT_TRUE(paused());
  }
};

TEST(PipelineLearning, GoesOnAfterACloseByHand) {
  Rig rig;
  rig.open();
  EXPECT_TRUE(rig.breaker.close(rig.clock.now()));
  EXPECT_TRUE(rig.call(rig.pipeline));
  EXPECT_FALSE(rig.paused());
}

TEST(PipelineLearning, GoesOnInMetricsOnlyAndWhenDisabled) {
  for (const Mode mode : {Mode::metrics_only, Mode::disabled}) {
    Rig rig;
    rig.open();
    EXPECT_TRUE(rig.breaker.force(mode, rig.clock.now()));
    EXPECT_TRUE(rig.call(rig.pipeline));
    EXPECT_FALSE(rig.paused()) << to_string(mode);
  }
}

TEST(PipelineLearning, StopsWhenTheBreakerIsForcedOpen) {
  Rig rig;
  EXPECT_TRUE(rig.call(rig.pipeline));
  EXPECT_TRUE(rig.breaker.force(Mode::forced_open, rig.clock.now()));
  EXPECT_FALSE(rig.call(rig.pipeline));
  EXPECT_TRUE(rig.paused());
}

TEST(PipelineLearning, FollowsABreakerThatAnotherPipelineOpensAndCloses) {
  Rig rig;
  const Pipeline other{.breaker = &rig.breaker};  // does not know the timeout
  EXPECT_TRUE(rig.call(other, kFails));
  EXPECT_FALSE(rig.call(rig.pipeline));
  EXPECT_TRUE(rig.paused());
  rig.clock.advance(seconds(5));
  EXPECT_TRUE(rig.call(other)) << "the trial";
  EXPECT_EQ(rig.breaker.state(), State::closed);
  EXPECT_TRUE(rig.call(rig.pipeline));
  EXPECT_FALSE(rig.paused());
}

TEST(PipelineLearning, StopsAtATrialAlthoughNobodySawTheBreakerOpen) {
  Rig rig;
  EXPECT_TRUE(rig.call({.breaker = &rig.breaker}, kFails));
  rig.clock.advance(seconds(5));
  PipelineCall trial(rig.pipeline, {});
  EXPECT_EQ(trial.start(rig.clock.now()).next, Next::send);
  EXPECT_TRUE(rig.paused());
  (void)trial.finish({.upstream = milliseconds(1500)}, rig.clock.now());
  EXPECT_FALSE(rig.paused());
  EXPECT_GT(rig.timeout.timeout(), milliseconds(1500)) << "what the trial took is enough from here on";
}

// A thread that was refused before the close may be the last to say so.
TEST(PipelineLearning, ALateWordOfTheOutageDoesNotForgetWhatTheTrialShowed) {
  Rig rig;
  rig.open();
  rig.clock.advance(seconds(5));
  EXPECT_TRUE(rig.call(rig.pipeline, {.upstream = milliseconds(1500)}));
  const Duration shown = rig.timeout.timeout();
  rig.timeout.follow(&rig.breaker, false);
  EXPECT_TRUE(rig.call(rig.pipeline, {.upstream = milliseconds(1500)}));
  EXPECT_FALSE(rig.paused());
  EXPECT_GE(rig.timeout.timeout(), shown);
}

TEST(PipelineLearning, AClosingBreakerBeginsWarmUpWhoeverClosedIt) {
  Rig rig;
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(rig.call(rig.pipeline));
  EXPECT_LT(rig.timeout.timeout(), milliseconds(100));
  rig.clock.advance(seconds(20));
  rig.open();
  EXPECT_TRUE(rig.breaker.close(rig.clock.now()));
  EXPECT_TRUE(rig.call(rig.pipeline));
  EXPECT_EQ(rig.timeout.timeout(), milliseconds(500));
}

// One timeout for an upstream, a breaker for each of its endpoints.
TEST(PipelineLearning, AnOpenBreakerDoesNotKeepItsNeighbourFromLearning) {
  Rig rig;
  Breaker well = Breaker::create({}, 2).value();
  const Pipeline good{.breaker = &well, .timeout = &rig.timeout};
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(rig.call(good));
  const Duration learned = rig.timeout.timeout();
  EXPECT_LT(learned, milliseconds(100));
  rig.open();
  for (int i = 0; i < 500; ++i) {
    EXPECT_FALSE(rig.call(rig.pipeline));
    EXPECT_TRUE(rig.call(good));
    EXPECT_FALSE(rig.paused());
  }
  EXPECT_EQ(rig.timeout.timeout(), learned) << "warm-up does not begin each time";
  rig.clock.advance(seconds(5));
  EXPECT_TRUE(rig.call(rig.pipeline)) << "the trial closes it";
  EXPECT_EQ(rig.timeout.timeout(), milliseconds(500)) << "and now it begins";
}

struct RetryRig : Rig {
  RetryBudget budget{{.minimum_per_second = 0}};
  RetryPolicy retry{{}, &budget, 1};
  RetryRig() { pipeline.retry = &retry; }
  double balance() const { return budget.balance(clock.now()); }
  void spend_all() {
    while (budget.try_withdraw(clock.now())) {
    }
  }
};

TEST(PipelineRetry, IsNotWaitedForWhenTheFirstAttemptOpensTheBreaker) {
  RetryRig rig;
  PipelineCall call(rig.pipeline, {});
  (void)call.start(rig.clock.now());
  EXPECT_EQ(call.finish(kFails, rig.clock.now()).next, Next::done);
  EXPECT_EQ(call.not_retried(), RetryRefusal::would_be_refused);
  EXPECT_EQ(rig.balance(), 100) << "no token is spent";
  EXPECT_EQ(explain(call.error()), "ended in failure after 1 attempt; retry after 5s");
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.rejected, 0U) << "it was looked at, not asked";
}

TEST(PipelineRetry, IsWaitedForWhenTheBreakerLetsATrialThroughByThen) {
  RetryRig rig;
  rig.breaker = Breaker::create({.minimum_volume = 1, .reset_timeout = milliseconds(1)}, 1).value();
  RetryPolicy patient({.base = seconds(10), .cap = seconds(10)}, nullptr, 1);
  rig.pipeline.retry = &patient;
  PipelineCall call(rig.pipeline, {});
  (void)call.start(rig.clock.now());
  const Step again = call.finish(kFails, rig.clock.now());
  ASSERT_EQ(again.next, Next::wait);
  EXPECT_EQ(call.start(rig.clock.advance(again.wait)).next, Next::send);
  EXPECT_TRUE(call.trial());
}

TEST(PipelineRetry, IsNotWaitedForWhenTheRateLimitWouldRefuseIt) {
  RetryRig rig;
  RateLimit rate({.rate = 1, .burst = 1});
  const Pipeline pipeline{.retry = &rig.retry, .rate_limit = &rate};
  PipelineCall call(pipeline, {});
  (void)call.start(rig.clock.now());
  EXPECT_EQ(call.finish(kFails, rig.clock.now()).next, Next::done);
  EXPECT_EQ(call.not_retried(), RetryRefusal::would_be_refused);
  EXPECT_EQ(call.error().retry_after, seconds(1));
  EXPECT_EQ(rate.wait(rig.clock.now()), seconds(1)) << "the look consumed nothing";
  EXPECT_EQ(rig.balance(), 100);
}

TEST(PipelineRetry, GivesItsTokenBackWhenItIsRefusedAllTheSame) {
  RetryRig rig;
  ConcurrencyLimit one({.algorithm = LimitAlgorithm::fixed, .initial = 1, .minimum = 1});
  const Pipeline pipeline{.retry = &rig.retry, .concurrency = &one};
  rig.spend_all();
  for (int i = 0; i < 10; ++i) rig.budget.deposit();
  PipelineCall call(pipeline, {});
  (void)call.start(rig.clock.now());
  const double before = rig.balance();
  ASSERT_EQ(call.finish(kFails, rig.clock.now()).next, Next::wait);
  EXPECT_EQ(rig.balance(), before - 1);
  const auto taken = one.try_acquire();
  EXPECT_EQ(call.start(rig.clock.now()).next, Next::done);
  EXPECT_EQ(call.error().refused_by, RefusedBy::concurrency_limit);
  EXPECT_EQ(rig.balance(), before);
}

TEST(PipelineRetry, RefusedCallsEarnNone) {
  RetryRig rig;
  rig.spend_all();
  EXPECT_TRUE(rig.breaker.force(Mode::forced_open, rig.clock.now()));
  RateLimit rate({.rate = 1, .burst = 1});
  (void)rate.try_acquire(rig.clock.now());
  ConcurrencyLimit full({.algorithm = LimitAlgorithm::fixed, .initial = 1, .minimum = 1});
  const auto taken = full.try_acquire();
  Throttle throttle({.padding = 0, .max_refused = 1});
  for (int i = 0; i < 100'000; ++i) (void)throttle.try_acquire(rig.clock.now());
  for (const Pipeline& pipeline : std::vector<Pipeline>{{.retry = &rig.retry, .breaker = &rig.breaker},
                                                        {.retry = &rig.retry, .rate_limit = &rate},
                                                        {.retry = &rig.retry, .concurrency = &full},
                                                        {.retry = &rig.retry, .throttle = &throttle}}) {
    for (int i = 0; i < 500; ++i) EXPECT_FALSE(rig.call(pipeline));
  }
  EXPECT_EQ(rig.balance(), 0);
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(rig.call({.retry = &rig.retry}));
  EXPECT_EQ(rig.balance(), 100) << "sent ones do, one in five";
}

TEST(PipelineRetry, NeitherAnIgnoredNorACancelledOutcomeIsTriedAgain) {
  for (const Outcome outcome : {Outcome::ignored, Outcome::cancelled}) {
    RetryRig rig;
    PipelineCall call(rig.pipeline, {});
    (void)call.start(rig.clock.now());
    EXPECT_EQ(call.finish({.outcome = outcome}, rig.clock.now()).next, Next::done);
    EXPECT_FALSE(call.succeeded());
    EXPECT_EQ(call.error().outcome, outcome);
    EXPECT_EQ(rig.balance(), 100);
  }
}

TEST(PipelineRetry, AnAnswerThatCameLateIsATimeoutAndIsNotTriedAgain) {
  RetryRig rig;
  PipelineCall call(rig.pipeline, {});
  (void)call.start(rig.clock.now());
  const Sample late{.outcome = Outcome::timeout, .upstream = seconds(1)};
  EXPECT_EQ(call.finish(late, rig.clock.now(), {.late = true}).next, Next::done);
  EXPECT_EQ(rig.breaker.state(), State::open);
}

TEST(PipelineRetry, TheCalleesRetryAfterReachesTheCallerWhenItIsNotFollowed) {
  RetryRig rig;
  rig.breaker = Breaker::create({}, 1).value();
  PipelineCall call(rig.pipeline, {});
  (void)call.start(rig.clock.now());
  EXPECT_EQ(call.finish(kFails, rig.clock.now(), {.retry_after = seconds(30)}).next, Next::done);
  EXPECT_EQ(call.not_retried(), RetryRefusal::retry_after_too_long);
  EXPECT_EQ(call.error().retry_after, seconds(30));
}

// Every event, in the order in which it happens, with what it says.
struct Script : Observer {
  void on_success(const AttemptEvent& e) override { end("success", e); }
  void on_failure(const AttemptEvent& e) override { end("failure", e); }
  void on_timeout(const AttemptEvent& e) override { end("timeout", e); }
  void on_cancelled(const AttemptEvent& e) override { end("cancelled", e); }
  void on_ignored(const AttemptEvent& e) override { end("ignored", e); }
  void on_rejection(const RejectionEvent& e) override {
    said.push_back(std::string("rejected by ") + to_string(e.error.refused_by));
    breaker->snapshot(e.at);  // would hang if a lock were held
  }
  void on_retry(const RetryEvent& e) override { said.push_back("retry after " + std::to_string(e.attempts)); }
  void on_transition(const Transition& transition) override {
    said.push_back(std::string("to ") + to_string(transition.to));
    breaker->snapshot(transition.at);
  }
  void end(const std::string& what, const AttemptEvent& event) {
    said.push_back(what + " " + std::to_string(event.attempt) + (event.trial ? " of a trial" : ""));
    breaker->snapshot(event.at);
  }
  Breaker* breaker = nullptr;
  std::vector<std::string> said;
};

TEST(PipelineObserver, IsToldEachEventOnceAndInOrderOutsideOfLocks) {
  RetryRig rig;
  rig.breaker = Breaker::create({.minimum_volume = 2}, 1).value();
  Script script;
  script.breaker = &rig.breaker;
  rig.pipeline.observer = &script;
  PipelineCall call(rig.pipeline, {});
  (void)call.start(rig.clock.now());
  const Step again = call.finish(kFails, rig.clock.now());
  (void)call.start(rig.clock.advance(again.wait));
  (void)call.finish({.outcome = Outcome::timeout, .upstream = seconds(1)}, rig.clock.now());
  EXPECT_FALSE(rig.call(rig.pipeline));
  rig.clock.advance(seconds(5));
  EXPECT_TRUE(rig.call(rig.pipeline));
  EXPECT_TRUE(rig.call(rig.pipeline, {.outcome = Outcome::ignored}));
  EXPECT_TRUE(rig.call(rig.pipeline, {.outcome = Outcome::cancelled}));
  EXPECT_EQ(script.said, (std::vector<std::string>{"failure 1", "retry after 1", "timeout 2", "to open",
                                                   "rejected by breaker", "to half_open", "success 1 of a trial",
                                                   "to closed", "ignored 1", "cancelled 1"}));
}

}  // namespace
}  // namespace quoll::core

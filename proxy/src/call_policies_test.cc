#include "call_policies.h"

#include <gtest/gtest.h>

namespace quoll::proxy {
namespace {

using core::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(1)};

CallPolicyOptions adaptive() {
  CallPolicyOptions options;
  options.timeout = TimeoutKind::adaptive;
  return options;
}

void feed(CallPolicies& policies, Outcome outcome, Duration upstream, int times, bool trial = false) {
  for (int i = 0; i < times; ++i) {
    policies.learn({}, {.outcome = outcome, .upstream = upstream}, trial, kStart + milliseconds(i), 0);
  }
}

TEST(CallPolicies, AFixedTimeoutStaysWhatItIs) {
  telemetry::Registry registry;
  CallPolicies policies({}, milliseconds(300), "c", 1, registry);
  feed(policies, Outcome::success, milliseconds(10), 500);
  EXPECT_EQ(policies.timeout(false), milliseconds(300));
  EXPECT_EQ(policies.timeout(true), milliseconds(300));
  EXPECT_EQ(policies.adaptive_timeout(), nullptr);
}

TEST(CallPolicies, AnAdaptiveTimeoutFollowsTheUpstream) {
  telemetry::Registry registry;
  CallPolicies policies(adaptive(), milliseconds(300), "c", 1, registry);
  EXPECT_EQ(policies.timeout(false), milliseconds(500)) << "initial";
  feed(policies, Outcome::success, milliseconds(50), 600);
  EXPECT_GT(policies.timeout(false), milliseconds(80));
  EXPECT_LT(policies.timeout(false), milliseconds(100)) << "1.7 * 50 ms + 5 ms";
  EXPECT_EQ(policies.timeout(true), seconds(5)) << "a trial waits for the ceiling";
  EXPECT_NE(registry.expose().find("quoll_timeout_seconds{circuit=\"c\"} 0.09"), std::string::npos);
}

TEST(CallPolicies, FailuresTeachNoTimeout) {
  telemetry::Registry registry;
  CallPolicies policies(adaptive(), milliseconds(300), "c", 1, registry);
  feed(policies, Outcome::failure, milliseconds(1), 600);
  feed(policies, Outcome::cancelled, milliseconds(1), 600);
  EXPECT_EQ(policies.timeout(false), milliseconds(500));
}

TEST(CallPolicies, NothingIsLearnedFromTheOpeningUntilTheClosing) {
  telemetry::Registry registry;
  CallPolicies policies(adaptive(), milliseconds(300), "c", 1, registry);
  feed(policies, Outcome::success, milliseconds(50), 600);
  const Duration before = policies.timeout(false);
  policies.follow(core::State::open);
  feed(policies, Outcome::success, milliseconds(400), 600);
  policies.follow(core::State::half_open);
  feed(policies, Outcome::success, milliseconds(400), 600);
  EXPECT_EQ(policies.timeout(false), before);
  EXPECT_TRUE(policies.adaptive_timeout()->snapshot().paused);

  feed(policies, Outcome::success, milliseconds(600), 1, true);
  policies.follow(core::State::closed);
  EXPECT_FALSE(policies.adaptive_timeout()->snapshot().paused);
  EXPECT_GE(policies.timeout(false), milliseconds(1000)) << "warm-up waits for what the trial took";
}

TEST(CallPolicies, ALateWordOfTheOpeningIsPutRightByTheNextLook) {
  telemetry::Registry registry;
  CallPolicies policies(adaptive(), milliseconds(300), "c", 1, registry);
  policies.follow(core::State::closed);
  policies.follow(core::State::open);  // another thread's, overtaken by the closing
  policies.follow(core::State::closed);
  EXPECT_FALSE(policies.adaptive_timeout()->snapshot().paused);
}

TEST(CallPolicies, NoMoreThanTheLimitAreUnderWay) {
  telemetry::Registry registry;
  CallPolicyOptions options;
  options.concurrency = true;
  options.concurrency_limit = {.algorithm = core::LimitAlgorithm::fixed, .initial = 2, .minimum = 1};
  CallPolicies policies(options, milliseconds(300), "c", 1, registry);
  auto first = policies.try_enter(0);
  auto second = policies.try_enter(0);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(policies.try_enter(0));
  EXPECT_NE(registry.expose().find("quoll_concurrency_in_flight{circuit=\"c\"} 2"), std::string::npos);
  EXPECT_NE(registry.expose().find("quoll_concurrency_refused_total{circuit=\"c\"} 1"), std::string::npos);
  second.reset();  // dropped, as when the client leaves
  EXPECT_TRUE(policies.try_enter(0));
  policies.learn(std::move(*first), {}, false, kStart, 0);
  EXPECT_EQ(policies.limit()->in_flight(), 0U);
}

TEST(CallPolicies, WithoutALimitEverybodyEnters) {
  telemetry::Registry registry;
  CallPolicies policies({}, milliseconds(300), "c", 1, registry);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(policies.try_enter(0));
  EXPECT_EQ(policies.limit(), nullptr);
}

}  // namespace
}  // namespace quoll::proxy

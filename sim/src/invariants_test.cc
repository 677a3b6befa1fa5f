// Each check must be able to fail: a bug of its kind is put into the world, and the run must end with its name.

#include "invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quoll/sim/run.h"

namespace quoll::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

// Everything on, and a backend that goes down and comes back: each policy has something to do.
Config busy() {
  Config config;
  config.model.client.rate = 300;
  config.policies.breaker.on = true;
  config.policies.breaker.options.reset_timeout = seconds(1);
  config.policies.concurrency_limit.on = true;
  config.policies.retry.on = true;
  config.policies.retry_budget.on = true;
  config.policies.throttle.on = true;
  config.policies.hedging.on = true;
  config.policies.adaptive_timeout.on = true;
  return config;
}

Plan troubled() {
  Plan plan{.phases = {{.name = "all", .from = {}, .to = seconds(40)}}, .changes = {}};
  plan.changes.push_back({.at = seconds(10), .what = Change::What::down, .value = 1});
  plan.changes.push_back({.at = seconds(20), .what = Change::What::down, .value = 0});
  plan.changes.push_back({.at = seconds(25), .what = Change::What::hang, .value = 1});
  plan.changes.push_back({.at = seconds(30), .what = Change::What::hang, .value = 0});
  plan.changes.push_back({.at = seconds(32), .what = Change::What::stalls, .value = 1});
  return plan;
}

class EveryPolicy : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, EveryPolicy, testing::Range<std::uint64_t>(1, 9));

TEST_P(EveryPolicy, KeepsTheInvariantsThroughTrouble) {
  const auto result = run(busy(), troubled(), GetParam());
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_GT(result->opened, 0U);
  EXPECT_GT(result->total.retries, 0U);
  EXPECT_GT(result->total.hedges, 0U);
}

TEST_P(EveryPolicy, KeepsTheInvariantsWithABreakerForEachEndpointAndAQueue) {
  Config config = busy();
  config.model.backend.endpoints = 5;
  config.model.backend.workers = 4;
  config.policies.breaker_per_endpoint = true;
  config.policies.outlier.on = true;
  config.policies.admission_queue.on = true;
  config.policies.admission_control.on = true;
  config.policies.breaker.options.half_open_permits = 3;
  config.policies.breaker.options.half_open_successes = 5;
  config.policies.breaker.options.ramp = seconds(2);
  const auto result = run(config, troubled(), GetParam());
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_GT(result->opened, 0U);
}

std::string message_of(const Config& config, Fault fault) {
  const auto result = run(config, troubled(), 42, fault);
  EXPECT_FALSE(result.has_value());
  if (result) return "";
  EXPECT_EQ(result.error().code, "invariant");
  return result.error().message;
}

TEST(Invariants, ALeakedPermitIsFound) {
  EXPECT_THAT(message_of(busy(), Fault::leak_permit),
              AllOf(HasSubstr("permits: "), HasSubstr("seed 42"), HasSubstr(" s, event "), HasSubstr("cpu_done")));
}
TEST(Invariants, ARequestThatEndsTwiceIsFound) {
  EXPECT_THAT(message_of(busy(), Fault::end_twice), HasSubstr("accounting: a request ended 2 times"));
}
TEST(Invariants, ARequestThatIsLostIsFound) {
  EXPECT_THAT(message_of(busy(), Fault::lose_request), AllOf(HasSubstr("accounting: "), HasSubstr("arrived")));
}
TEST(Invariants, RetriesBeyondTheBudgetAreFound) {
  // Only the budget stands between the failures and the retries.
  Config config = busy();
  config.policies.breaker.on = false;
  config.policies.throttle.on = false;
  EXPECT_THAT(message_of(config, Fault::overspend_budget), HasSubstr("budget: "));
}
TEST(Invariants, OneTrialTooManyIsFound) {
  EXPECT_THAT(message_of(busy(), Fault::extra_trial), HasSubstr("trials: 2 are under way, 1 allowed"));
}
TEST(Invariants, ATrialThatTheBreakerDoesNotKnowIsFound) {
  Config config = busy();
  config.policies.breaker.options.half_open_permits = 10;
  EXPECT_THAT(message_of(config, Fault::extra_trial), HasSubstr("trials: 2 are under way, the breaker counts 1"));
}
TEST(Invariants, TimeThatGoesBackIsFound) {
  EXPECT_THAT(message_of(busy(), Fault::turn_back), HasSubstr("time: "));
}

TEST(Invariants, ABudgetMayBeSpentToTheLastToken) {
  BudgetBound bound({.ratio = 0.5, .minimum_per_second = 0, .capacity = 10});
  const TimePoint now = TimePoint(seconds(100));
  for (int i = 0; i < 10; ++i) bound.withdraw(now);
  for (int i = 0; i < 20; ++i) bound.deposit();
  for (int i = 0; i < 10; ++i) bound.withdraw(now);
  EXPECT_LE(bound.overspent(), 0);
  for (int i = 0; i < 2; ++i) bound.withdraw(now);
  EXPECT_GT(bound.overspent(), 0);
}

TEST(Invariants, ABudgetGetsItsMinimumWithTime) {
  BudgetBound bound({.ratio = 0, .minimum_per_second = 10, .capacity = 10});
  for (int i = 0; i < 10; ++i) bound.withdraw(TimePoint(seconds(100)));
  for (int i = 0; i < 10; ++i) bound.withdraw(TimePoint(seconds(101)));
  EXPECT_LE(bound.overspent(), 0);
  for (int i = 0; i < 2; ++i) bound.withdraw(TimePoint(seconds(101)));
  EXPECT_GT(bound.overspent(), 0);
}

TEST(Invariants, FactsThatAgreeAreWell) {
  EXPECT_EQ(broken({.arrived = 10, .ended = 7, .waiting = 3, .slots_in_use = 2, .slots_held = 2}), std::nullopt);
}

}  // namespace
}  // namespace quoll::sim

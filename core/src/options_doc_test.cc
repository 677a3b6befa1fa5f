// The tables of options on the policies' pages are what the headers say.
#include <gtest/gtest.h>

#include "quoll/base/settings.h"
#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/breaker_registry.h"
#include "quoll/core/bulkhead.h"
#include "quoll/core/coalescer.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/hedging.h"
#include "quoll/core/local_health.h"
#include "quoll/core/outlier.h"
#include "quoll/core/rate_limit.h"
#include "quoll/core/retry.h"
#include "quoll/core/throttle.h"
#include "quoll/core/ttl_cache.h"
#include "quoll/testing/generated.h"

namespace quoll::core {
namespace {

template <typename Options>
void expect_table(const std::string& page, const std::string& name) {
  const auto& settings = schema::settings_of<Options>();
  testing::expect_generated("docs/policies/" + page, name, schema::table_of(settings.list(), settings.sections()));
}

TEST(Generated, TablesOfThePoliciesOptions) {
  expect_table<AdaptiveTimeoutOptions>("adaptive-timeout.md", "AdaptiveTimeoutOptions");
  expect_table<AdmissionOptions>("admission.md", "AdmissionOptions");
  expect_table<AdmissionQueueOptions>("admission.md", "AdmissionQueueOptions");
  expect_table<BreakerOptions>("circuit-breaker.md", "BreakerOptions");
  expect_table<BreakerRegistryOptions>("breaker-registry.md", "BreakerRegistryOptions");
  expect_table<BulkheadOptions>("bulkhead.md", "BulkheadOptions");
  expect_table<CoalescerOptions>("cache.md", "CoalescerOptions");
  expect_table<ConcurrencyLimitOptions>("concurrency-limit.md", "ConcurrencyLimitOptions");
  expect_table<HedgingOptions>("hedging.md", "HedgingOptions");
  expect_table<LocalHealthOptions>("local-health.md", "LocalHealthOptions");
  expect_table<OutlierOptions>("outlier-ejection.md", "OutlierOptions");
  expect_table<RateLimitOptions>("rate-limit.md", "RateLimitOptions");
  expect_table<RetryOptions>("retry.md", "RetryOptions");
  expect_table<RetryBudgetOptions>("retry.md", "RetryBudgetOptions");
  expect_table<ThrottleOptions>("throttle.md", "ThrottleOptions");
  expect_table<TtlCacheOptions>("cache.md", "TtlCacheOptions");
}

template <typename Options>
void expect_faults_are_those_of_the_ranges() {
  const auto& settings = schema::settings_of<Options>();
  EXPECT_TRUE(Options{}.validate().empty());
  for (const schema::Setting& each : settings.list()) {
    EXPECT_GT(each.about.size(), 10U) << each.name;
    EXPECT_EQ(each.about.back(), '.') << each.name;
    if (!each.range) continue;
    EXPECT_TRUE(each.range->holds(each.range->high)) << each.name;
    Options options;
    const std::string over = each.range->unit == schema::Unit::duration ? "9000h" : "4000000000";
    ASSERT_TRUE(settings.apply(options, each.name, over)) << each.name;
    const auto faults = options.validate();
    ASSERT_FALSE(faults.empty()) << each.name;
    EXPECT_EQ(faults[0].rfind(each.name + " is ", 0), 0U) << faults[0];
  }
}

TEST(Options, EachFieldIsCheckedAgainstTheRangeThatItSays) {
  expect_faults_are_those_of_the_ranges<AdaptiveTimeoutOptions>();
  expect_faults_are_those_of_the_ranges<AdmissionOptions>();
  expect_faults_are_those_of_the_ranges<AdmissionQueueOptions>();
  expect_faults_are_those_of_the_ranges<BreakerOptions>();
  expect_faults_are_those_of_the_ranges<BreakerRegistryOptions>();
  expect_faults_are_those_of_the_ranges<BulkheadOptions>();
  expect_faults_are_those_of_the_ranges<CoalescerOptions>();
  expect_faults_are_those_of_the_ranges<ConcurrencyLimitOptions>();
  expect_faults_are_those_of_the_ranges<HedgingOptions>();
  expect_faults_are_those_of_the_ranges<LocalHealthOptions>();
  expect_faults_are_those_of_the_ranges<OutlierOptions>();
  expect_faults_are_those_of_the_ranges<RateLimitOptions>();
  expect_faults_are_those_of_the_ranges<RetryOptions>();
  expect_faults_are_those_of_the_ranges<RetryBudgetOptions>();
  expect_faults_are_those_of_the_ranges<ThrottleOptions>();
  expect_faults_are_those_of_the_ranges<TtlCacheOptions>();
}

// `base: 2s` beside `cap: 1s` was accepted, for 1s is what nobody had set.
TEST(Options, AnOptionThatIsReadAsItsDefaultIsSetAllTheSame) {
  const auto& settings = schema::settings_of<RetryOptions>();
  RetryOptions options;
  ASSERT_TRUE(settings.apply(options, "base", "2s"));
  EXPECT_TRUE(options.validate().empty()) << "the cap follows";
  ASSERT_TRUE(settings.apply(options, "cap", "1s"));
  EXPECT_EQ(options.validate(), std::vector<std::string>{"cap is 1s; it must be at least base, which is 2s"});
}

}  // namespace
}  // namespace quoll::core

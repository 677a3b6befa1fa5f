// What every policy says of bad options, and which defaults follow the options that were set.
#include "quoll/core/options.h"

#include <gtest/gtest.h>

#include <string>

#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/breaker.h"
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

namespace quoll::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The constructor ends the process and says why; create() says the same.
template <typename Policy, typename... More>
void expect_named(const OptionsOf<Policy>& bad, const std::string& says, More... more) {
  EXPECT_DEATH(Policy(bad, more...), says);
  EXPECT_DEATH(Policy(bad, more...), "the program's own") << "and no bug of ours";
  const auto made = create<Policy>(bad, more...);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message.rfind(says, 0), 0U) << made.error().message;
  EXPECT_EQ(made.error().code, "invalid_options");
}

TEST(OptionsDeathTest, EveryConstructorNamesThePolicyTheOptionItsValueAndWhatWouldBeRight) {
  GTEST_FLAG_SET(death_test_style, "fast");
  RetryBudget* const no_budget = nullptr;
  expect_named<AdaptiveTimeout>({.quantile = 2}, "AdaptiveTimeout: quantile is 2; it must be between 0.5 and 0.9999");
  expect_named<AdmissionControl>({.priorities = 9}, "AdmissionControl: priorities is 9; it must be between 1 and 8");
  expect_named<AdmissionQueue>({.capacity = 0}, "AdmissionQueue: capacity is 0; it must be between 1 and 1000000");
  expect_named<BreakerRegistry>({.breaker = {.buckets = 0}}, "BreakerRegistry: breaker.buckets is 0; it must be", 1U);
  expect_named<Bulkhead>({.max_in_flight = 0}, "Bulkhead: max_in_flight is 0; it must be between 1 and 1000000");
  expect_named<Coalescer<std::string>>({.max_flights = 0}, "Coalescer: max_flights is 0; it must be between 1 and");
  expect_named<ConcurrencyLimit>({.backoff = 1}, "ConcurrencyLimit: backoff is 1; it must be between 0.5 and 0.99");
  expect_named<Hedging>({.max_attempts = 6}, "Hedging: max_attempts is 6; it must be between 1 and 5");
  expect_named<LocalHealth>({.max = 0}, "LocalHealth: max is 0; it must be between 1 and 100");
  expect_named<OutlierEjection>({.max_ejected = 2}, "OutlierEjection: max_ejected is 2; it must be between 0 and 1",
                                3U);
  expect_named<RateLimit>({.rate = 0}, "RateLimit: rate is 0; it must be between 1 and 1000000000");
  expect_named<RetryBudget>({.capacity = 0}, "RetryBudget: capacity is 0");
  expect_named<RetryPolicy>({.max_attempts = 0}, "RetryPolicy: max_attempts is 0; it must be between 1 and 100",
                            no_budget, 1U);
  expect_named<Throttle>({.k = 1}, "Throttle: k is 1; it must be between 1.01 and 100");
  expect_named<TtlCache<int, int>>({.capacity = 0}, "TtlCache: capacity is 0; it must be between 1 and 10000000");
  EXPECT_DEATH(OutlierEjection({}, 0), "OutlierEjection: endpoints is 0; it must be at least 1");
}

// What examples do, and what a user meets first.
TEST(OptionsDeathTest, TakingTheValueOfARefusedBreakerNamesTheOptionToo) {
  EXPECT_DEATH((void)Breaker::create({.buckets = 0}, 1, "api").value(),
               "breaker api: buckets is 0; it must be between 1 and 60");
  EXPECT_DEATH((void)Breaker::create({.buckets = 0}, 1, "api")->state(), "buckets is 0");
}

TEST(Options, CreateMakesWhatTheOptionsSay) {
  const auto timeout = create<AdaptiveTimeout>({.initial = milliseconds(300)});
  ASSERT_TRUE(timeout);
  EXPECT_EQ((*timeout)->timeout(), milliseconds(300));
  RetryBudget budget({});
  const auto retry = create<RetryPolicy>({.max_attempts = 5}, &budget, 1U);
  ASSERT_TRUE(retry);
  EXPECT_EQ((*retry)->budget(), &budget);
}

// One option alone is never a contradiction, and what the policy goes by says what became of the others.
TEST(OptionsAlone, OfABreaker) {
  const auto made = [](const BreakerOptions& options) { return Breaker::create(options, 1).value().options(); };
  EXPECT_EQ(made({.reset_timeout = minutes(10)}).reset_timeout_max, minutes(10));
  EXPECT_EQ(made({.reset_timeout_max = seconds(1)}).reset_timeout, seconds(1));
  EXPECT_EQ(made({.reset_timeout = seconds(10)}).reset_timeout_max, minutes(5));
  EXPECT_EQ(made({.window_kind = WindowKind::count, .window_calls = 3}).minimum_volume, 3U);
  EXPECT_EQ(made({.window_kind = WindowKind::count, .minimum_volume = 500}).window_calls, 500U);
  EXPECT_EQ(made({.minimum_volume = 500}).window_calls, 100U) << "a time window has nothing to do with it";
}

TEST(OptionsAlone, OfALimit) {
  const auto made = [](const ConcurrencyLimitOptions& options) { return ConcurrencyLimit(options).options(); };
  const ConcurrencyLimit fixed({.algorithm = LimitAlgorithm::fixed, .initial = 500});
  EXPECT_EQ(fixed.limit(), 500U);
  EXPECT_EQ(fixed.options().maximum, 500U);
  EXPECT_EQ(ConcurrencyLimit({.maximum = 10}).limit(), 10U);
  EXPECT_EQ(made({.maximum = 2}).minimum, 2U);
  EXPECT_EQ(made({.minimum = 50}).initial, 50U);
  EXPECT_EQ(made({.minimum = 300}).maximum, 300U);
  EXPECT_EQ(made({.initial = 1}).minimum, 1U);
}

TEST(OptionsAlone, OfAnAdaptiveTimeout) {
  const auto made = [](const AdaptiveTimeoutOptions& options) { return AdaptiveTimeout(options).options(); };
  EXPECT_EQ(AdaptiveTimeout({.ceiling = milliseconds(300)}).timeout(), milliseconds(300));
  EXPECT_EQ(made({.ceiling = milliseconds(5)}).floor, milliseconds(5));
  EXPECT_EQ(AdaptiveTimeout({.floor = seconds(1)}).timeout(), seconds(1));
  EXPECT_EQ(made({.floor = seconds(10)}).ceiling, seconds(10));
  EXPECT_EQ(made({.initial = seconds(10)}).ceiling, seconds(10));
  EXPECT_EQ(made({.initial = milliseconds(1)}).floor, milliseconds(1));
  EXPECT_EQ(made({.warm_up = 1000}).window, 1000U);
}

TEST(OptionsAlone, OfTheOthers) {
  EXPECT_EQ(RetryPolicy({.base = seconds(2)}, nullptr, 1).options().cap, seconds(2));
  EXPECT_EQ(RetryPolicy({.cap = milliseconds(10)}, nullptr, 1).options().base, milliseconds(10));
  EXPECT_EQ(Hedging({.min_delay = seconds(2)}).delay(), seconds(2));
  EXPECT_EQ(Hedging({.max_delay = std::chrono::microseconds(500)}).options().min_delay, std::chrono::microseconds(500));
  EXPECT_EQ(Hedging({.warm_up = 1000}).options().window, 1000U);
  EXPECT_EQ(AdmissionControl({.target = milliseconds(50)}).options().interval, milliseconds(200));
  EXPECT_EQ(AdmissionControl({.target = seconds(1)}).options().max_delay, seconds(4));
  EXPECT_EQ(AdmissionControl({.interval = milliseconds(10)}).options().target, std::chrono::microseconds(2500));
  EXPECT_EQ(AdmissionControl({.interval = seconds(2)}).options().max_delay, seconds(2));
  EXPECT_EQ(AdmissionControl({.max_delay = milliseconds(50)}).options().interval, milliseconds(50));
  EXPECT_EQ(AdmissionQueue({.target = seconds(1)}).options().interval, seconds(1));
  EXPECT_EQ(AdmissionQueue({.interval = milliseconds(1)}).options().target, milliseconds(1));
  EXPECT_EQ(OutlierEjection({.base_ejection = minutes(10)}, 2).options().max_ejection, minutes(10));
  EXPECT_EQ(OutlierEjection({.max_ejection = seconds(1)}, 2).options().base_ejection, seconds(1));
}

// Two that were set are never guessed about, not even where one of them is set to its default.
TEST(Options, TwoThatContradictEachOtherAreNamedWithBothValues) {
  EXPECT_EQ(RetryOptions({.base = seconds(2), .cap = seconds(1)}).validate(),
            std::vector<std::string>{"cap is 1s; it must be at least base, which is 2s"});
  EXPECT_EQ(BreakerOptions({.reset_timeout = seconds(5), .reset_timeout_max = seconds(4)}).validate(),
            std::vector<std::string>{"reset_timeout_max is 4s; it must be at least reset_timeout, which is 5s"});
  EXPECT_EQ(ConcurrencyLimitOptions({.initial = 20, .maximum = 10}).validate(),
            std::vector<std::string>{"maximum is 10; it must be at least initial, which is 20"});
  EXPECT_EQ(AdaptiveTimeoutOptions({.ceiling = milliseconds(300), .initial = milliseconds(500)}).validate(),
            std::vector<std::string>{"ceiling is 300ms; it must be at least initial, which is 500ms"});
}

TEST(Options, OneThatIsOutOfItsRangeIsTheOnlyOneNamed) {
  EXPECT_EQ(BreakerOptions({.reset_timeout = hours(100)}).validate().size(), 1U);
  EXPECT_EQ(ConcurrencyLimitOptions({.maximum = 0}).validate().size(), 1U);
  EXPECT_EQ(ConcurrencyLimitOptions({.initial = 2'000'000}).validate().size(), 1U);
  EXPECT_EQ(AdaptiveTimeoutOptions({.floor = hours(2)}).validate().size(), 1U);
  EXPECT_EQ(AdaptiveTimeoutOptions({.warm_up = 70'000}).validate().size(), 1U);
  EXPECT_EQ(AdmissionOptions({.target = seconds(30)}).validate().size(), 1U);
}

TEST(Options, AnOptionReadsAndCountsAsAPlainValue) {
  RetryOptions options;
  EXPECT_EQ(options.cap, seconds(1));
  EXPECT_FALSE(options.cap.is_set());
  EXPECT_EQ(options.cap.count(), 1'000'000'000);
  EXPECT_EQ(2 * options.cap, seconds(2));
  options.cap = options.base = milliseconds(3);
  EXPECT_EQ(options.cap, milliseconds(3));
  Duration& plain = options.cap;  // as a reader of files has it
  plain = milliseconds(7);
  EXPECT_TRUE(options.cap.is_set());
  ConcurrencyLimitOptions limit;
  unsigned& number = limit.initial;
  number = 7;
  EXPECT_TRUE(limit.initial.is_set());
  EXPECT_EQ(limit.initial + 1, 8U);
}

}  // namespace
}  // namespace quoll::core

// What the options change.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "breaker_rig.h"
#include "quoll/core/breaker.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Breaker, TheTimeOpenGrowsWithEachFailedTrialUpToTheCapAndStartsOverOnceClosed) {
  Rig rig({.reset_multiplier = 2, .reset_timeout_max = seconds(15)});
  EXPECT_EQ(rig.trip().evidence.open_for, seconds(5));
  for (const int expected : {10, 15, 15}) {
    const auto transition = rig.finish_trial(kFailure);
    EXPECT_EQ(transition->evidence.open_for, seconds(expected));
  }
  rig.finish_trial(kSuccess);
  EXPECT_EQ(rig.trip().evidence.open_for, seconds(5));
}

TEST(Breaker, JitterSpreadsTheTimeOpenAroundItsValueAndNeverPastTheCap) {
  Duration least = seconds(100);
  Duration most{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rig rig;
    rig.breaker = Breaker::create({.reset_timeout_max = seconds(6), .reset_jitter = 0.5}, seed).value();
    const Duration open_for = rig.trip().evidence.open_for;
    least = std::min(least, open_for);
    most = std::max(most, open_for);
  }
  EXPECT_GE(least, milliseconds(2500));
  EXPECT_LT(least, seconds(3));
  EXPECT_EQ(most, seconds(6));
}

TEST(Breaker, OpensOnSlowCallsThatSucceed) {
  Rig rig({.minimum_volume = 4, .slow_call_threshold = milliseconds(100), .slow_call_rate_threshold = 0.75});
  const Sample slow{.outcome = Outcome::success, .upstream = milliseconds(101)};
  const Sample just_in{.outcome = Outcome::success, .upstream = milliseconds(100)};
  EXPECT_FALSE(rig.call(just_in));
  EXPECT_FALSE(rig.calls(2, slow));
  const auto transition = rig.call(slow);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->reason, Reason::slow_call_rate);
  EXPECT_EQ(explain(*transition),
            "opened: 3 of 4 calls took over 100ms (75.0 %, limit 75 %) in the last 10s; open for 5s");
}

// A trip on a quantile: the q-quantile exceeds the threshold when a share of 1 - q of the calls does.
TEST(Breaker, OpensWhenAQuantileOfTheLatencyExceedsItsLimit) {
  struct Case {
    double share;            // that may be slower: 1 - q
    std::size_t percentile;  // its index in kSnapshotPercentiles
  };
  for (const Case each : {Case{0.5, 2}, Case{0.1, 4}, Case{0.05, 5}}) {
    Rig rig({.window_kind = WindowKind::count,
             .minimum_volume = 100,
             .slow_call_threshold = milliseconds(200),
             .slow_call_rate_threshold = each.share});
    const int allowed = static_cast<int>(std::lround(100 * each.share)) - 1;
    rig.calls(allowed, {.upstream = milliseconds(201)});
    rig.calls(99 - allowed, {.upstream = milliseconds(10)});
    EXPECT_FALSE(rig.call({.upstream = milliseconds(10)}));
    EXPECT_LT(rig.snapshot().percentiles[each.percentile], milliseconds(200));
    // A window later: one more than that, at its end.
    rig.calls(98 - allowed, {.upstream = milliseconds(10)});
    rig.calls(allowed, {.upstream = milliseconds(201)});
    EXPECT_FALSE(rig.call({.upstream = milliseconds(10)}));
    const auto transition = rig.call({.upstream = milliseconds(201)});
    ASSERT_TRUE(transition) << each.share;
    EXPECT_EQ(transition->reason, Reason::slow_call_rate);
  }
}

TEST(Breaker, OurOwnDelayMakesNoCallSlow) {
  Rig rig({.minimum_volume = 1, .slow_call_threshold = milliseconds(100)});
  const Sample stalled{.outcome = Outcome::success, .upstream = milliseconds(50), .local = seconds(2), .rescued = true};
  EXPECT_FALSE(rig.calls(20, stalled));
  EXPECT_EQ(rig.snapshot().counts.rescued, 20U);
  EXPECT_NEAR(to_millis(rig.snapshot().percentiles.back()), 50, 0.5);
}

TEST(Breaker, OpensAfterConsecutiveFailuresWhateverTheRate) {
  Rig rig({.minimum_volume = 1000, .consecutive_failures = 3});
  rig.calls(100, kSuccess);
  rig.calls(2, kFailure);
  rig.call(kSuccess);
  EXPECT_FALSE(rig.calls(2, kFailure));
  const auto transition = rig.call(kTimeout);
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->reason, Reason::consecutive_failures);
  EXPECT_EQ(transition->evidence.consecutive, 3U);
}

TEST(Breaker, AConsecutiveWindowDoesNotLookAtTheRate) {
  Rig rig({.window_kind = WindowKind::consecutive, .consecutive_failures = 3});
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(rig.calls(2, kFailure));
    EXPECT_FALSE(rig.call(kSuccess));
  }
  EXPECT_EQ(rig.snapshot().counts.failed_calls, 200U);
  EXPECT_TRUE(rig.calls(3, kFailure));
}

TEST(Breaker, ACountWindowHoldsExactlyTheLastCalls) {
  Rig rig({.window_kind = WindowKind::count, .window_calls = 10, .minimum_volume = 10});
  EXPECT_FALSE(rig.calls(4, kFailure));
  EXPECT_FALSE(rig.calls(6, kSuccess));
  rig.clock.advance(std::chrono::hours(100));
  EXPECT_EQ(rig.snapshot().counts.failed_calls, 4U) << "time does not matter";
  EXPECT_FALSE(rig.calls(4, kFailure)) << "the four old failures have left";
  EXPECT_TRUE(rig.call(kFailure));
  EXPECT_EQ(rig.snapshot().totals.failure, 9U);
}

TEST(Breaker, ATrialOfACountWindowClosesItWithAnEmptyWindow) {
  Rig rig({.window_kind = WindowKind::count, .window_calls = 10});
  rig.trip();
  { const Admission rejected = rig.breaker.try_acquire(rig.clock.now()); }
  EXPECT_EQ(rig.snapshot().counts.rejected, 1U);
  ASSERT_TRUE(rig.finish_trial(kSuccess));
  EXPECT_EQ(rig.snapshot().counts, WindowCounts{});
  EXPECT_EQ(rig.snapshot().totals.finished(), 6U);
}

TEST(Breaker, TheClassificationDecidesWhatFails) {
  Rig rig({.minimum_volume = 1, .timeouts = CountAs::nothing, .cancellations = CountAs::failure});
  EXPECT_FALSE(rig.calls(10, kTimeout));
  EXPECT_EQ(rig.snapshot().counts.timeout, 10U);
  EXPECT_EQ(rig.snapshot().counts.calls, 0U);
  EXPECT_TRUE(rig.call({.outcome = Outcome::cancelled}));
  Rig lenient({.minimum_volume = 1, .failures = CountAs::success});
  EXPECT_FALSE(lenient.calls(10, kFailure));
  EXPECT_EQ(lenient.snapshot().counts.success, 0U);
  EXPECT_EQ(lenient.snapshot().counts.failure, 10U);
  EXPECT_EQ(lenient.snapshot().counts.failure_rate(), 0);
}

TEST(Breaker, IgnoredAndCancelledCallsNeitherOpenNorDilute) {
  Rig rig({.minimum_volume = 4});
  rig.calls(100, kIgnored);
  rig.calls(100, {.outcome = Outcome::cancelled});
  rig.calls(2, kSuccess);
  EXPECT_FALSE(rig.call(kFailure));
  EXPECT_TRUE(rig.call(kFailure));
}

TEST(Breaker, RampsUpAfterClosing) {
  Rig rig({.minimum_volume = 100, .ramp = seconds(10), .ramp_start = 0.2});
  rig.trip();
  ASSERT_TRUE(rig.finish_trial(kSuccess));
  const auto share = [&rig] {
    int admitted = 0;
    for (int i = 0; i < 2000; ++i) admitted += rig.breaker.try_acquire(rig.clock.now()).admitted() ? 1 : 0;
    return admitted / 2000.0;
  };
  EXPECT_NEAR(share(), 0.2, 0.04);
  rig.clock.advance(seconds(5));
  EXPECT_NEAR(share(), 0.6, 0.04);
  EXPECT_NEAR(rig.snapshot().admitted_share, 0.6, 1e-9);
  rig.clock.advance(seconds(5));
  EXPECT_EQ(share(), 1.0);
  EXPECT_EQ(rig.breaker.state(), State::closed);
}

TEST(Breaker, CanOpenAgainDuringTheRamp) {
  Rig rig({.minimum_volume = 2, .ramp = seconds(10), .ramp_start = 1});
  rig.trip();
  ASSERT_TRUE(rig.finish_trial(kSuccess));
  EXPECT_TRUE(rig.calls(2, kFailure));
}

TEST(Breaker, DoesNotOpenDuringTheWarmUpNorOnItsFailures) {
  Rig rig({.minimum_volume = 5, .consecutive_failures = 50, .warm_up = seconds(3)});
  EXPECT_FALSE(rig.calls(49, kFailure));
  rig.clock.advance(seconds(3));
  EXPECT_FALSE(rig.calls(4, kFailure));
  EXPECT_TRUE(rig.call(kFailure));
}

TEST(Breaker, ForcedOpenRejectsUntilToldOtherwise) {
  Rig rig;
  const auto transition = rig.breaker.force(Mode::forced_open, rig.clock.now());
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->to, State::forced_open);
  EXPECT_EQ(transition->reason, Reason::by_hand);
  rig.clock.advance(std::chrono::hours(10));
  const Admission refused = rig.breaker.try_acquire(rig.clock.now());
  EXPECT_EQ(refused.rejection.reason, RejectionReason::forced_open);
  EXPECT_FALSE(rig.breaker.force(Mode::forced_open, rig.clock.now())) << "nothing changed";
  const auto back = rig.breaker.force(Mode::automatic, rig.clock.now());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to, State::closed);
  EXPECT_TRUE(rig.breaker.try_acquire(rig.clock.now()));
}

TEST(Breaker, DisabledAdmitsAllAndKeepsTotalsOnly) {
  Rig rig({.mode = Mode::disabled});
  EXPECT_FALSE(rig.calls(100, kFailure));
  EXPECT_EQ(rig.snapshot().counts.calls, 0U);
  EXPECT_EQ(rig.snapshot().totals.failure, 100U);
  EXPECT_EQ(rig.snapshot().totals.stale, 0U);
}

TEST(Breaker, MetricsOnlyKeepsTheWindowAndNeverOpens) {
  Rig rig({.mode = Mode::metrics_only});
  EXPECT_FALSE(rig.calls(100, kFailure));
  EXPECT_EQ(rig.snapshot().counts.failure, 100U);
  EXPECT_EQ(rig.breaker.state(), State::metrics_only);
}

TEST(Breaker, CloseByHandLeavesOpenAndForgetsTheGrowth) {
  Rig rig({.reset_multiplier = 2});
  rig.trip();
  rig.finish_trial(kFailure);
  const auto transition = rig.breaker.close(rig.clock.now());
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->reason, Reason::by_hand);
  EXPECT_FALSE(rig.breaker.close(rig.clock.now()));
  EXPECT_EQ(rig.trip().evidence.open_for, seconds(5));
}

TEST(Breaker, TheDefaultsAreThoseOfTheProduct) {
  const BreakerOptions options;
  EXPECT_TRUE(options.validate().empty());
  EXPECT_EQ(options.window, seconds(10));
  EXPECT_EQ(options.buckets, 10U);
  EXPECT_EQ(options.failure_rate_threshold, 0.5);
  EXPECT_EQ(options.reset_timeout, seconds(5));
  Rig rig;
  EXPECT_FALSE(rig.calls(4, kFailure)) << "not on the first failure";
  EXPECT_TRUE(rig.call(kFailure)) << "but soon";
}

TEST(Breaker, TakesAtMostFourKibibytesWithItsJournalFull) {
  Rig rig;
  for (int i = 0; i < 40; ++i) {
    rig.trip();
    rig.finish_trial(kSuccess);
  }
  EXPECT_EQ(rig.breaker.journal().size(), Breaker::kJournal);
  EXPECT_LE(rig.breaker.memory_bytes(), 4096U);
}

TEST(Breaker, CreateNamesEveryFaultAtOnce) {
  const auto result = Breaker::create({.window = Duration(1),
                                       .buckets = 0,
                                       .failure_rate_threshold = std::nan(""),
                                       .minimum_volume = 0,
                                       .slow_call_rate_threshold = 1.5,
                                       .reset_timeout = seconds(0),
                                       .reset_multiplier = 0.5,
                                       .reset_jitter = 2,
                                       .half_open_permits = 0,
                                       .half_open_successes = 0,
                                       .ramp_start = 0,
                                       .shards = 99},
                                      1, "api");
  ASSERT_FALSE(result);
  const std::string& message = result.error().message;
  for (const char* option :
       {"breaker api: ", "window is 1ns", "buckets is 0", "failure_rate_threshold is nan", "minimum_volume is 0",
        "slow_call_rate_threshold is 1.5", "reset_timeout is 0", "reset_multiplier is 0.5", "reset_jitter is 2",
        "half_open_permits is 0", "half_open_successes is 0", "ramp_start is 0", "shards is 99"}) {
    EXPECT_NE(message.find(option), std::string::npos) << option << " in: " << message;
  }
}

TEST(BreakerOptions, ContradictionsBetweenOptionsAreFaults) {
  const auto fault = [](const BreakerOptions& options) {
    const auto faults = options.validate();
    return faults.size() == 1 ? faults[0] : "faults: " + std::to_string(faults.size());
  };
  EXPECT_NE(fault({.window = milliseconds(20), .buckets = 60}).find("1ms"), std::string::npos);
  EXPECT_NE(fault({.window_kind = WindowKind::count, .window_calls = 4, .minimum_volume = 5}).find("window_calls"),
            std::string::npos);
  EXPECT_NE(fault({.window_kind = WindowKind::consecutive}).find("consecutive_failures"), std::string::npos);
  EXPECT_NE(fault({.reset_timeout = seconds(5), .reset_timeout_max = seconds(4)}).find("reset_timeout_max"),
            std::string::npos);
}

TEST(BreakerOptions, AWordThatIsNoneIsAFault) {
  BreakerOptions options;
  options.window_kind = static_cast<WindowKind>(3);
  options.mode = static_cast<Mode>(255);
  options.failures = static_cast<CountAs>(3);
  options.timeouts = static_cast<CountAs>(77);
  options.cancellations = static_cast<CountAs>(5);
  const auto faults = options.validate();
  ASSERT_EQ(faults.size(), 5U);
  EXPECT_EQ(faults[0], "window_kind is 3; it must be one of time, count, consecutive");
  EXPECT_EQ(faults[1], "mode is 255; it must be one of automatic, forced_open, disabled, metrics_only");
  EXPECT_EQ(faults[2], "failures is 3; it must be one of failure, success, nothing");
}

}  // namespace
}  // namespace quoll::core

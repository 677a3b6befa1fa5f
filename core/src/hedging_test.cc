#include "quoll/core/hedging.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

// Calls at an even pace; each attempt's latency is drawn on its own.
struct Calls {
  explicit Calls(const HedgingOptions& options = {}) : hedging(options) {}

  void run(unsigned count, const std::function<Duration(Rng&)>& latency) {
    for (unsigned i = 0; i < count; ++i) {
      clock.advance(milliseconds(10));
      const Duration delay = hedging.start();
      const Duration first = latency(rng);
      Duration took = first;
      if (first > delay && hedging.try_hedge(1, clock.now() + delay) == HedgeRefusal::none) {
        ++hedged;
        const Duration second = latency(rng);
        took = std::min(first, delay + second);
        const bool first_won = took == first;
        hedging.record({.upstream = first_won ? first : second});
        hedging.record({.outcome = Outcome::cancelled, .upstream = first_won ? took - delay : took});
      } else {
        hedging.record({.upstream = first});
      }
      latencies.push_back(took);
    }
  }
  Duration percentile(double p) {
    std::sort(latencies.begin(), latencies.end());
    return latencies[static_cast<std::size_t>(static_cast<double>(latencies.size() - 1) * p)];
  }
  Hedging hedging;
  Rng rng{20'261'124};
  ManualClock clock;
  std::vector<Duration> latencies;
  unsigned hedged = 0;
};

// 10 to 20 ms, and 3 % of them half a second.
Duration one_bad_machine(Rng& rng) {
  return rng.chance(0.03) ? Duration(milliseconds(500)) : rng.uniform(milliseconds(10), milliseconds(20));
}

TEST(Hedging, TakesTheTailOffForAFewPercentMoreLoad) {
  Calls calls;
  calls.run(1000, one_bad_machine);
  calls.latencies.clear();
  calls.hedged = 0;
  calls.run(10'000, one_bad_machine);
  EXPECT_LE(calls.percentile(0.99), milliseconds(45));
  EXPECT_LE(calls.hedged, 10'000U * 7 / 100);
}

TEST(Hedging, WaitsForTheMaximumInWarmUp) {
  Calls calls;
  EXPECT_EQ(calls.hedging.start(), seconds(1));
  calls.run(40, one_bad_machine);
  EXPECT_LT(calls.hedging.delay(), seconds(1));
}

// The bug this guards against: the attempts that lose are not learned from, so the quantile sinks and all are hedged.
TEST(Hedging, TheQuantileDoesNotSinkBecauseTheSlowAttemptsAreCancelled) {
  Calls calls({.budget = {.ratio = 10, .minimum_per_second = 1000, .capacity = 1000}});
  const auto latency = [](Rng& rng) { return rng.uniform(milliseconds(0), milliseconds(100)); };
  calls.run(2000, latency);
  calls.hedged = 0;
  calls.run(20'000, latency);
  EXPECT_NEAR(calls.hedged, 20'000 * 0.05, 20'000 * 0.02);
}

TEST(Hedging, ACalleeThatIsSlowAsAWholeIsNotAskedTwice) {
  Calls calls;
  calls.run(2000, [](Rng& rng) { return rng.uniform(milliseconds(10), milliseconds(20)); });
  calls.hedged = 0;
  calls.run(2000, [](Rng& rng) { return rng.uniform(milliseconds(100), milliseconds(200)); });
  // What the budget had saved up, the shift until the quantile followed, and the normal share.
  EXPECT_LE(calls.hedged, 20U + 2000U * 10 / 100 + 20U);
}

TEST(Hedging, NeverSpendsMoreThanItsBudgetWhateverHappens) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock;
    Hedging hedging({.budget = {.ratio = 0.1, .minimum_per_second = 1, .capacity = 20}});
    const TimePoint start = clock.now();
    unsigned calls = 0;
    for (int i = 0; i < 2000; ++i) {
      calls += 1;
      (void)hedging.start(static_cast<unsigned>(i));
      if (rng.chance(0.5)) (void)hedging.try_hedge(1, clock.advance(milliseconds(rng.uniform_int(0, 20))));
      const double bound = 20 + 0.1 * calls + to_seconds(clock.now() - start) + 1;
      RC_ASSERT(static_cast<double>(hedging.hedges()) <= bound);
    }
  }));
}

TEST(Hedging, StopsAtTheMaximumNumberOfAttempts) {
  ManualClock clock;
  Hedging hedging({.max_attempts = 3});
  EXPECT_EQ(hedging.try_hedge(1, clock.now()), HedgeRefusal::none);
  EXPECT_EQ(hedging.try_hedge(2, clock.now()), HedgeRefusal::none);
  EXPECT_EQ(hedging.try_hedge(3, clock.now()), HedgeRefusal::attempts_used_up);
}

TEST(Hedging, CallsCancelledBeforeTheDelayAndFailuresTeachNothing) {
  ManualClock clock;
  Hedging hedging({});
  for (int i = 0; i < 1000; ++i) {
    hedging.record({.outcome = Outcome::cancelled, .upstream = milliseconds(1)});
    hedging.record({.outcome = Outcome::failure, .upstream = milliseconds(1)});
    hedging.record({.outcome = Outcome::ignored, .upstream = milliseconds(1)});
  }
  EXPECT_EQ(hedging.delay(), seconds(1));
}

TEST(Hedging, ThreadsShareIt) {
  Hedging hedging({});
  auto work = [&](unsigned shard) {
    for (int i = 0; i < 10'000; ++i) {
      (void)hedging.start(shard);
      hedging.record({.upstream = milliseconds(30)}, shard);
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_NEAR(to_millis(hedging.delay()), 30, 1);
}

TEST(Hedging, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(HedgingOptions{}.validate().empty());
  const HedgingOptions bad{.quantile = 0,
                           .min_delay = seconds(2),
                           .max_delay = seconds(1),
                           .max_attempts = 0,
                           .warm_up = 0,
                           .window = 1,
                           .budget = {.ratio = -1}};
  const auto faults = bad.validate();
  ASSERT_EQ(faults.size(), 6U);
  EXPECT_EQ(faults[4].rfind("budget.ratio", 0), 0U);
}

}  // namespace
}  // namespace quoll::core

#include "quoll/core/adaptive_timeout.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/core/breaker.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

constexpr std::uint64_t kSeed = 20'261'124;

// One call after another against a callee with the given latency; cut off at the timeout.
void calls(AdaptiveTimeout& timeout, ManualClock& clock, Duration latency, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const Duration limit = timeout.timeout();
    const Sample sample =
        latency <= limit ? Sample{.upstream = latency} : Sample{.outcome = Outcome::timeout, .upstream = limit};
    clock.advance(sample.upstream);
    timeout.record(sample, clock.now());
  }
}

TEST(AdaptiveTimeout, UsesTheInitialTimeoutInWarmUp) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(10), 28);
  EXPECT_EQ(timeout.timeout(), milliseconds(500));
  EXPECT_TRUE(timeout.snapshot().warming_up);
  calls(timeout, clock, milliseconds(10), 8);
  EXPECT_FALSE(timeout.snapshot().warming_up);
  // 10 ms * 1.7 + 5 ms, and the bucket's 1.6 %.
  EXPECT_NEAR(to_millis(timeout.timeout()), 22, 0.4);
}

TEST(AdaptiveTimeout, FollowsAShiftUpAfterSixTimeoutsAtMost) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  ASSERT_LT(timeout.timeout(), milliseconds(150));
  calls(timeout, clock, milliseconds(150), 6);
  EXPECT_GT(timeout.timeout(), milliseconds(150));
  const auto censored = timeout.snapshot().censored;
  EXPECT_LE(censored, 6U);
  calls(timeout, clock, milliseconds(150), 2000);
  EXPECT_EQ(timeout.snapshot().censored, censored);
  EXPECT_LE(timeout.timeout(), milliseconds(300));
}

TEST(AdaptiveTimeout, FollowsAShiftDownWithinTheStatedNumberOfSamples) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(150), 1000);
  calls(timeout, clock, milliseconds(50), 1792 + 96);
  EXPECT_LE(timeout.timeout(), milliseconds(100));
}

TEST(AdaptiveTimeout, AHangRaisesItToTheBoundOfWhatCleanSamplesJustifyAndNoFurther) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  const Duration before = timeout.timeout();
  calls(timeout, clock, hours(1), 400);
  EXPECT_NEAR(to_millis(timeout.timeout()), 3 * to_millis(before), 1);
}

// The bug this guards against: only calls fast enough to pass are learned from, so the estimate can never rise again.
TEST(AdaptiveTimeout, IsCuredOfAnEstimateThatIsFarTooLow) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(1), 600);
  ASSERT_LE(timeout.timeout(), milliseconds(10));
  calls(timeout, clock, seconds(3), 8 * 512);
  EXPECT_GE(timeout.timeout(), seconds(3));
  const auto censored = timeout.snapshot().censored;
  calls(timeout, clock, seconds(3), 1000);
  EXPECT_EQ(timeout.snapshot().censored, censored);
}

TEST(AdaptiveTimeout, FastFailuresAndCancelledCallsTeachNothing) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  const Duration before = timeout.timeout();
  for (const Outcome outcome : {Outcome::failure, Outcome::cancelled, Outcome::ignored}) {
    for (int i = 0; i < 3000; ++i) timeout.record({.outcome = outcome, .upstream = milliseconds(1)}, clock.now());
  }
  EXPECT_EQ(timeout.timeout(), before);
}

TEST(AdaptiveTimeout, OurOwnDelayDoesNotMakeItPatient) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  const Duration before = timeout.timeout();
  for (int i = 0; i < 600; ++i) {
    timeout.record({.upstream = milliseconds(50), .local = seconds(2), .rescued = true}, clock.now());
  }
  EXPECT_EQ(timeout.timeout(), before);
}

TEST(AdaptiveTimeout, LearnsNothingWhilePausedByEither) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  const Duration before = timeout.timeout();
  timeout.pause(AdaptiveTimeout::Pause::breaker_open);
  timeout.pause(AdaptiveTimeout::Pause::shedding);
  calls(timeout, clock, milliseconds(150), 100);
  timeout.resume(AdaptiveTimeout::Pause::shedding);
  calls(timeout, clock, milliseconds(150), 100);
  EXPECT_EQ(timeout.timeout(), before);
  EXPECT_TRUE(timeout.snapshot().paused);
}

TEST(AdaptiveTimeout, WarmUpAfterAnOutageWaitsAsLongAsTheTrialsTook) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  timeout.pause(AdaptiveTimeout::Pause::breaker_open);
  EXPECT_EQ(timeout.trial_timeout(), seconds(5));
  timeout.record_trial({.upstream = seconds(1)});
  timeout.record_trial({.outcome = Outcome::failure, .upstream = seconds(4)});
  timeout.resume(AdaptiveTimeout::Pause::breaker_open);
  EXPECT_NEAR(to_millis(timeout.timeout()), 1705, 1);
  EXPECT_TRUE(timeout.snapshot().warming_up);
  calls(timeout, clock, milliseconds(900), 40);
  EXPECT_EQ(timeout.snapshot().censored, 0U);
}

TEST(AdaptiveTimeout, ALongPauseBeginsWarmUpAnew) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  clock.advance(std::chrono::minutes(11));
  calls(timeout, clock, milliseconds(50), 4);
  EXPECT_EQ(timeout.timeout(), milliseconds(500));
}

// The bug this guards against: what a quiet client sets aside stays there for so long that it looks like a pause.
TEST(AdaptiveTimeout, AQuietClientIsNotTakenForOneThatPaused) {
  ManualClock clock;
  AdaptiveTimeout timeout({});
  calls(timeout, clock, milliseconds(50), 600);
  for (int i = 0; i < 300; ++i) {
    clock.advance(seconds(60));
    calls(timeout, clock, milliseconds(50), 1);
    ASSERT_LT(timeout.timeout(), milliseconds(100)) << i;
  }
}

TEST(AdaptiveTimeout, IsNeverLongerThanWhatIsLeftOfTheDeadline) {
  AdaptiveTimeout timeout({});
  EXPECT_EQ(timeout.timeout(milliseconds(80)), milliseconds(80));
  EXPECT_EQ(timeout.timeout(seconds(80)), milliseconds(500));
  EXPECT_EQ(timeout.timeout(milliseconds(-1)), Duration::zero());
  EXPECT_EQ(timeout.trial_timeout(milliseconds(80)), milliseconds(80));
}

TEST(AdaptiveTimeout, TrialsMayHaveATimeoutOfTheirOwnBelowTheCeiling) {
  const AdaptiveTimeout timeout({.trial = milliseconds(800)});
  EXPECT_EQ(timeout.trial_timeout(), milliseconds(800));
  EXPECT_EQ(timeout.trial_timeout(milliseconds(80)), milliseconds(80)) << "what the caller has left";
  EXPECT_EQ(timeout.timeout(), milliseconds(500)) << "only theirs";
  EXPECT_EQ(AdaptiveTimeout({.ceiling = milliseconds(600), .trial = milliseconds(800)}).trial_timeout(),
            milliseconds(600));
  EXPECT_EQ(AdaptiveTimeoutOptions{.trial = Duration(1)}.validate(),
            std::vector<std::string>{"trial is 1ns; it must be 0 (ceiling) or between 100us and 1h"});
}

TEST(AdaptiveTimeout, StaysWithinFloorAndCeilingWhateverItIsTold) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock;
    const AdaptiveTimeoutOptions options{
        .floor = milliseconds(20), .ceiling = seconds(2), .initial = milliseconds(100), .warm_up = 8, .window = 64};
    AdaptiveTimeout timeout(options);
    for (int i = 0; i < 2000; ++i) {
      const auto outcome = static_cast<Outcome>(rng.uniform_int(0, kOutcomes - 1));
      timeout.record(
          {.outcome = outcome, .upstream = rng.uniform(Duration(-1000), seconds(rng.chance(0.1) ? 9000 : 1))},
          clock.advance(milliseconds(rng.uniform_int(0, 3))), static_cast<unsigned>(i % 5));
      RC_ASSERT(timeout.timeout() >= options.floor);
      RC_ASSERT(timeout.timeout() <= options.ceiling);
      if (rng.chance(0.01)) timeout.pause(AdaptiveTimeout::Pause::breaker_open);
      if (rng.chance(0.02)) timeout.resume(AdaptiveTimeout::Pause::breaker_open);
    }
  }));
}

// Open loop: calls start at random times, 100 a second, whether or not others have ended, on a default breaker.
struct Traffic {
  struct End {
    TimePoint at;
    TimePoint started;
    Sample sample;
    std::shared_ptr<Permit> permit;
    bool operator>(const End& other) const { return at > other.at; }
  };
  Traffic(AdaptiveTimeout* adaptive, const BreakerOptions& options)
      : timeout(adaptive), breaker(Breaker::create(options, kSeed).value()) {}

  void run(Duration span, const std::function<Duration(Rng&)>& latency) {
    const TimePoint until = clock.now() + span;
    while (clock.now() < until) {
      clock.advance(Duration(static_cast<Duration::rep>(rng.exponential(10e6))));
      for (; !ends.empty() && ends.top().at <= clock.now(); ends.pop()) finish(ends.top());
      Admission admission = breaker.try_acquire(clock.now());
      if (!admission) {
        ++rejected;
        continue;
      }
      const Duration limit = timeout != nullptr ? timeout->timeout() : milliseconds(500);
      const Duration takes = latency(rng);
      const Sample sample =
          takes <= limit ? Sample{.upstream = takes} : Sample{.outcome = Outcome::timeout, .upstream = limit};
      longest_wait = std::max(longest_wait, limit);
      ends.push(
          {clock.now() + sample.upstream, clock.now(), sample, std::make_shared<Permit>(std::move(*admission.permit))});
    }
  }
  void finish(const End& end) {
    timeouts += end.sample.outcome == Outcome::timeout ? 1 : 0;
    if (end.sample.outcome == Outcome::timeout && !first_timeout) first_timeout = end.at;
    const auto transition = breaker.record(std::move(*end.permit), end.sample, end.at);
    if (transition && transition->to == State::open && !opened_at) opened_at = end.at;
    if (timeout != nullptr) timeout->record(end.sample, end.at);
  }

  AdaptiveTimeout* timeout;
  Breaker breaker;
  Rng rng{kSeed};
  ManualClock clock;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  unsigned timeouts = 0;
  unsigned rejected = 0;
  Duration longest_wait{};
  std::optional<TimePoint> first_timeout;
  std::optional<TimePoint> opened_at;
};

// Around `middle`, with a tail: a normal-looking bulk of +-10 %, and 1 % up to 30 % more.
std::function<Duration(Rng&)> around(Duration middle) {
  return [middle](Rng& rng) {
    if (rng.chance(0.01)) return rng.uniform(middle, middle * 13 / 10);
    return rng.uniform(middle * 9 / 10, middle * 11 / 10);
  };
}

TEST(AdaptiveTimeout, AShiftFrom50To150MsNeitherOpensTheBreakerNorWaitsOverTwiceTheNewP99) {
  AdaptiveTimeout timeout({});
  Traffic traffic(&timeout, {});
  traffic.run(seconds(30), around(milliseconds(50)));
  EXPECT_LT(timeout.timeout(), milliseconds(130));
  traffic.timeouts = 0;
  traffic.longest_wait = {};
  traffic.run(seconds(30), around(milliseconds(150)));
  EXPECT_FALSE(traffic.opened_at);
  EXPECT_EQ(traffic.rejected, 0U);
  const double p99 = 1.1 * 150;
  EXPECT_LE(to_millis(traffic.longest_wait), 2 * p99);
  // Those already under way when it shifts, and those that start before the first six have timed out.
  EXPECT_LE(traffic.timeouts, 40U);
  EXPECT_GT(timeout.timeout(), milliseconds(195));
}

TEST(AdaptiveTimeout, DetectsAHangThreeTimesSoonerThanAFixedOneOfHalfASecond) {
  const BreakerOptions options{.consecutive_failures = 5};
  AdaptiveTimeout timeout({});
  Traffic adaptive(&timeout, options);
  Traffic fixed(nullptr, options);
  std::array<Duration, 2> first{};
  std::array<Duration, 2> opened{};
  unsigned i = 0;
  for (Traffic* traffic : {&adaptive, &fixed}) {
    traffic->run(seconds(30), around(milliseconds(50)));
    traffic->first_timeout.reset();
    const TimePoint hang = traffic->clock.now();
    traffic->run(seconds(3), [](Rng&) { return hours(1); });
    ASSERT_TRUE(traffic->opened_at && traffic->first_timeout);
    first[i] = *traffic->first_timeout - hang;
    opened[i++] = *traffic->opened_at - hang;
  }
  EXPECT_LE(3 * first[0], first[1]);
  EXPECT_LE(3 * opened[0], opened[1]);
  RecordProperty("adaptive_ms", std::to_string(to_millis(opened[0])));
  RecordProperty("fixed_ms", std::to_string(to_millis(opened[1])));
}

TEST(AdaptiveTimeout, ThreadsShareItAndAllTheirSamplesCount) {
  AdaptiveTimeout timeout({});
  const TimePoint now = ManualClock().now();
  auto work = [&](unsigned shard) {
    for (int i = 0; i < 20'000; ++i) timeout.record({.upstream = milliseconds(20)}, now, shard);
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  // But for what is still set aside: up to 3 slow ones and 96 others a thread, and what the one in four rounds to.
  EXPECT_NEAR(static_cast<double>(timeout.snapshot().learned), 40'000, 2 * (3 + 96 + 8));
  EXPECT_NEAR(to_millis(timeout.timeout()), 39, 1);
}

TEST(AdaptiveTimeout, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(AdaptiveTimeoutOptions{}.validate().empty());
  const AdaptiveTimeoutOptions bad{.quantile = 0.3,
                                   .factor = 1,
                                   .margin = hours(1),
                                   .floor = seconds(2),
                                   .ceiling = seconds(1),
                                   .warm_up = 0,
                                   .window = 10,
                                   .max_growth = 1,
                                   .stale_after = milliseconds(1)};
  EXPECT_EQ(bad.validate().size(), 9U);
}

TEST(AdaptiveTimeout, ATrialOfAnyLengthIsAtMostTheCeiling) {
  AdaptiveTimeout timeout({});
  timeout.pause(AdaptiveTimeout::Pause::breaker_open);
  timeout.record_trial({.upstream = Duration::max()});
  timeout.resume(AdaptiveTimeout::Pause::breaker_open);
  EXPECT_EQ(timeout.timeout(), timeout.options().ceiling);
}

TEST(AdaptiveTimeout, ExtremesOfTimeArePausesLikeOthers) {
  AdaptiveTimeout timeout({.stale_after = std::chrono::hours(24)});
  for (const TimePoint now : {TimePoint::min(), TimePoint(Duration(0)), TimePoint::max()}) {
    for (int i = 0; i < 200; ++i) timeout.record({.upstream = std::chrono::milliseconds(20)}, now);
    EXPECT_LT(timeout.timeout(), std::chrono::milliseconds(60));
  }
}

}  // namespace
}  // namespace quoll::core

#include "quoll/core/local_health.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

struct Rig {
  double observe(LocalSigns signs) {
    signs.interval = milliseconds(100);
    return health.observe(signs, clock.advance(milliseconds(100)));
  }
  ManualClock clock;
  LocalHealth health{LocalHealthOptions{}};
};

TEST(LocalHealth, IsOneWhileNothingIsWrong) {
  Rig rig;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rig.observe({}), 1);
  EXPECT_EQ(rig.health.widen(milliseconds(500)), milliseconds(500));
  EXPECT_EQ(rig.health.admission_share(), 1);
}

TEST(LocalHealth, ALittleOfEverythingIsTolerated) {
  Rig rig;
  EXPECT_EQ(rig.observe({.loop_delay = milliseconds(19), .run_queue_delay = milliseconds(4)}), 1);
  EXPECT_EQ(rig.health.cause(), LocalCause::none);
}

TEST(LocalHealth, RisesAtOnceAndNamesTheCause) {
  const auto raised_by = [](const LocalSigns& signs) {
    Rig rig;
    EXPECT_GT(rig.observe(signs), 2.4);
    return rig.health.cause();
  };
  EXPECT_EQ(raised_by({.loop_delay = milliseconds(100)}), LocalCause::loop_delay);
  EXPECT_EQ(raised_by({.run_queue_delay = milliseconds(25)}), LocalCause::run_queue_delay);
  EXPECT_EQ(raised_by({.throttled = milliseconds(25)}), LocalCause::throttled);
  EXPECT_EQ(raised_by({.steal = milliseconds(25)}), LocalCause::steal);
  EXPECT_EQ(raised_by({.loop_delay = seconds(1), .throttled = milliseconds(90)}), LocalCause::throttled);
}

TEST(LocalHealth, ASecondWithoutCpuWidensToTheMaximum) {
  Rig rig;
  EXPECT_EQ(rig.observe({.loop_delay = seconds(1)}), 4);
  EXPECT_EQ(rig.health.widen(milliseconds(500)), seconds(2));
  EXPECT_EQ(rig.health.admission_share(), 0.25);
}

TEST(LocalHealth, SinksByHalfEveryHalfLifeAndBecomesWell) {
  Rig rig;
  rig.observe({.loop_delay = seconds(1)});
  for (int i = 0; i < 20; ++i) rig.observe({});
  EXPECT_NEAR(rig.health.multiplier(), 2.5, 0.01);
  EXPECT_EQ(rig.health.cause(), LocalCause::loop_delay);
  for (int i = 0; i < 200; ++i) rig.observe({});
  EXPECT_EQ(rig.health.multiplier(), 1);
  EXPECT_EQ(rig.health.cause(), LocalCause::none);
}

TEST(LocalHealth, HowOftenItIsObservedDoesNotChangeHowFastItSinks) {
  Rig often;
  Rig seldom;
  often.observe({.loop_delay = seconds(1)});
  seldom.observe({.loop_delay = seconds(1)});
  for (int i = 0; i < 10; ++i) often.observe({});
  seldom.clock.advance(milliseconds(900));
  seldom.observe({});
  EXPECT_NEAR(often.health.multiplier(), seldom.health.multiplier(), 1e-9);
}

TEST(LocalHealth, StaysBetweenOneAndItsMaximumWhateverIsMeasured) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    Rig rig;
    for (int i = 0; i < 500; ++i) {
      const auto some = [&] { return rng.chance(0.5) ? Duration::zero() : rng.uniform(milliseconds(-5), seconds(5)); };
      const double before = rig.health.multiplier();
      const double multiplier =
          rig.observe({.loop_delay = some(), .run_queue_delay = some(), .throttled = some(), .steal = some()});
      RC_ASSERT(multiplier >= 1 && multiplier <= 4);
      RC_ASSERT(multiplier == rig.health.multiplier());
      RC_ASSERT(multiplier >= 1 + (before - 1) * 0.96);  // never down faster than the half-life
    }
  }));
}

TEST(LocalHealth, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(LocalHealthOptions{}.validate().empty());
  const LocalHealthOptions bad{.max = 0, .missed_full = 0, .loop_delay_full = Duration(1), .half_life = Duration(1)};
  EXPECT_EQ(bad.validate().size(), 4U);
}

TEST(LocalHealth, NoLimitStaysNoLimitWhenItIsStretched) {
  Rig rig;
  EXPECT_EQ(rig.health.widen(Duration::max()), Duration::max());
  EXPECT_EQ(rig.health.widen(Duration::min()), Duration::min());
  (void)rig.health.observe({.interval = milliseconds(100), .loop_delay = Duration::max()}, rig.clock.now());
  EXPECT_EQ(rig.health.multiplier(), 4);
  EXPECT_EQ(rig.health.widen(Duration::max()), Duration::max());
  EXPECT_EQ(rig.health.widen(Duration::max() / 2), Duration::max());
  EXPECT_EQ(rig.health.widen(Duration::min()), Duration::min());
  EXPECT_EQ(rig.health.widen(Duration::zero()), Duration::zero());
}

}  // namespace
}  // namespace quoll::core

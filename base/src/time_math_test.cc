#include "quoll/base/time_math.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

namespace quoll {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(TimeMath, SumsAndDifferencesAreExactUntilTheyStopAtTheEnds) {
  EXPECT_TRUE(rc::check([](std::int64_t a, std::int64_t b) {
    RC_ASSERT(add_saturating(a, b) == narrow_saturating(Int128{a} + b));
    RC_ASSERT(subtract_saturating(a, b) == narrow_saturating(Int128{a} - b));
  }));
  for (const std::int64_t a : {kLeast, kLeast + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, kMost}) {
    for (const std::int64_t b : {kLeast, kLeast + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, kMost}) {
      EXPECT_EQ(add_saturating(a, b), narrow_saturating(Int128{a} + b)) << a << " + " << b;
      EXPECT_EQ(subtract_saturating(a, b), narrow_saturating(Int128{a} - b)) << a << " - " << b;
    }
  }
}

TEST(TimeMath, NoLimitStaysNoLimit) {
  const TimePoint now{std::chrono::hours(1)};
  EXPECT_EQ(after(now, Duration::max()), TimePoint::max());
  EXPECT_EQ(after(now, Duration(5)), now + Duration(5));
  EXPECT_EQ(between(TimePoint::min(), now), Duration::max());
  EXPECT_EQ(between(now, TimePoint::min()), Duration::min());
  EXPECT_EQ(between(TimePoint{-Duration(3)}, TimePoint{Duration(4)}), Duration(7));
  EXPECT_EQ(times(Duration::max(), 4), Duration::max());
  EXPECT_EQ(times(Duration::min(), 4), Duration::min());
  EXPECT_EQ(times(Duration(-3), 4), Duration(-12));
}

TEST(TimeMath, ADoubleBecomesTheNearestDurationThereIs) {
  EXPECT_EQ(from_nanos(1.9), Duration(1));
  EXPECT_EQ(from_nanos(-1.9), Duration(-1));
  EXPECT_EQ(from_nanos(1e300), Duration::max());
  EXPECT_EQ(from_nanos(0x1p63), Duration::max());
  EXPECT_EQ(from_nanos(-1e300), Duration::min());
  EXPECT_EQ(from_nanos(std::numeric_limits<double>::infinity()), Duration::max());
  EXPECT_EQ(from_nanos(std::numeric_limits<double>::quiet_NaN()), Duration::zero());
}

}  // namespace
}  // namespace quoll

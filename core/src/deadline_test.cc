#include "quoll/core/deadline.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

TEST(Deadline, WithoutALimitNeverPasses) {
  const Deadline deadline;
  EXPECT_FALSE(deadline.passed(ManualClock().now()));
  EXPECT_EQ(deadline.remaining(ManualClock().now()), Duration::max());
  EXPECT_TRUE(Deadline::in(Duration::max(), ManualClock().now()).unlimited());
}

TEST(Deadline, WhatIsLeftShrinksToZeroAndNoFurther) {
  ManualClock clock;
  const Deadline deadline = Deadline::in(milliseconds(100), clock.now());
  clock.advance(milliseconds(40));
  EXPECT_EQ(deadline.remaining(clock.now()), milliseconds(60));
  clock.advance(milliseconds(60));
  EXPECT_TRUE(deadline.passed(clock.now()));
  clock.advance(seconds(1));
  EXPECT_EQ(deadline.remaining(clock.now()), Duration::zero());
}

TEST(Deadline, ACalleesOwnLimitNeverExtendsItsCallers) {
  const TimePoint now = ManualClock().now();
  const Deadline caller = Deadline::in(milliseconds(100), now);
  EXPECT_EQ(caller.earlier(Deadline::in(seconds(5), now)), caller);
  EXPECT_EQ(caller.earlier(Deadline()), caller);
}

TEST(Deadline, WhatIsPropagatedLeavesTimeForTheWayBack) {
  const TimePoint now = ManualClock().now();
  EXPECT_EQ(Deadline::in(milliseconds(100), now).to_propagate(now, milliseconds(5)), milliseconds(95));
  EXPECT_EQ(Deadline::in(milliseconds(3), now).to_propagate(now, milliseconds(5)), Duration::zero());
}

TEST(GrpcTimeout, IsWrittenShortly) {
  EXPECT_EQ(format_grpc_timeout(milliseconds(250)), "250m");
  EXPECT_EQ(format_grpc_timeout(microseconds(1500)), "1500u");
  EXPECT_EQ(format_grpc_timeout(Duration(-5)), "0m");
  EXPECT_EQ(format_grpc_timeout(hours(2)), "2H");
}

TEST(GrpcTimeout, IsReadBackAndNeverLonger) {
  EXPECT_TRUE(rc::check([] {
    const auto exponent = *rc::gen::inRange(0, 62);
    const Duration left(*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << exponent));
    const std::string text = format_grpc_timeout(left);
    RC_ASSERT(text.size() <= 9U);
    const auto read = parse_grpc_timeout(text);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read <= left);
    RC_ASSERT(to_seconds(*read) >= to_seconds(left) * 0.9999 - 1e-6);
  }));
}

TEST(GrpcTimeout, WhatIsNoneIsRefusedWithWhatWouldBe) {
  for (const char* text : {"", "5", "m", "5x", "-5m", " 5m", "5m ", "123456789m", "5.5S"}) {
    const auto read = parse_grpc_timeout(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find("250m"), std::string::npos);
  }
  EXPECT_GT(parse_grpc_timeout("99999999H").value(), hours(24 * 365 * 99));
}

TEST(Deadline, ExtremesOfTimeDoNotWrapRound) {
  const TimePoint now{std::chrono::hours(1)};
  EXPECT_TRUE(Deadline::in(Duration::max(), now).unlimited());
  EXPECT_TRUE(Deadline::in(Duration::min(), TimePoint::min() + Duration(1)).passed(now));
  EXPECT_EQ(Deadline::in(Duration::min(), TimePoint(-std::chrono::hours(1))).remaining(now), Duration::zero());
  EXPECT_EQ(Deadline(now).remaining(TimePoint::min()), Duration::max());
  EXPECT_EQ(Deadline(TimePoint::min()).remaining(TimePoint::max()), Duration::zero());
  const Deadline soon(now + std::chrono::seconds(1));
  EXPECT_EQ(soon.to_propagate(now, Duration::min()), std::chrono::seconds(1));
  EXPECT_EQ(soon.to_propagate(now, Duration::max()), Duration::zero());
}

}  // namespace
}  // namespace quoll::core

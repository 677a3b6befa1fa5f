#include "schedule.h"

#include <gtest/gtest.h>

namespace quoll::lab::backend {
namespace {

using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};

Schedule scripted() {
  return {{}, *Script::parse("10s healthy\n5s fail 503\n"), kStart};
}

std::string members(const Schedule& schedule, TimePoint now) {
  return telemetry::json_object([&](telemetry::JsonWriter& out) { schedule.put_members(out, now); });
}

TEST(Schedule, FollowsTheScriptAndThenTheBase) {
  const Schedule schedule = scripted();
  EXPECT_EQ(schedule.at(kStart).mode, Mode::healthy);
  EXPECT_EQ(schedule.next_change(kStart), kStart + seconds(10));
  EXPECT_EQ(schedule.at(kStart + seconds(10)).status, 503U);
  EXPECT_EQ(schedule.reason(kStart + seconds(10)), "script: 5s fail 503");
  EXPECT_EQ(schedule.at(kStart + seconds(15)), Behaviour{});
  EXPECT_FALSE(schedule.next_change(kStart + seconds(15)));
}

TEST(Schedule, ChangeForAWhileLiesOnTopAndTheScriptGoesOnBelow) {
  Schedule schedule = scripted();
  schedule.apply({.mode = Mode::hang, .lasting = seconds(11)}, kStart);
  EXPECT_EQ(schedule.at(kStart + seconds(10)).mode, Mode::hang);
  EXPECT_EQ(schedule.at(kStart + seconds(11)).mode, Mode::fail);
  EXPECT_EQ(schedule.next_change(kStart), kStart + seconds(10));
  EXPECT_EQ(schedule.next_change(kStart + seconds(10)), kStart + seconds(11));
}

TEST(Schedule, ChangeOfModeEndsTheScript) {
  Schedule schedule = scripted();
  schedule.apply({.mode = Mode::slow}, kStart + seconds(1));
  EXPECT_EQ(schedule.at(kStart + seconds(12)).mode, Mode::slow);
  EXPECT_FALSE(schedule.next_change(kStart + seconds(1)));
}

TEST(Schedule, ChangeOfAnotherSettingLeavesTheScriptRunning) {
  Schedule schedule = scripted();
  schedule.apply({.degrade = Duration::zero()}, kStart + seconds(1));
  EXPECT_EQ(schedule.at(kStart + seconds(1)).mode, Mode::healthy);
  EXPECT_EQ(schedule.at(kStart + seconds(1)).degrade, Duration::zero());
  EXPECT_EQ(schedule.at(kStart + seconds(12)).mode, Mode::fail);
}

TEST(Schedule, SaysInJsonWhereItStands) {
  Schedule schedule = scripted();
  EXPECT_EQ(members(schedule, kStart), R"({"script":{"step":1,"line":"10s healthy","loop":false},"for_ms":null})");
  schedule.apply({.mode = Mode::hang, .lasting = seconds(2)}, kStart);
  EXPECT_NE(members(schedule, kStart + seconds(1)).find("\"for_ms\":1000"), std::string::npos);
}

}  // namespace
}  // namespace quoll::lab::backend

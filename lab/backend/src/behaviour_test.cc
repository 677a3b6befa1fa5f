#include "quoll/lab/backend/behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "quoll/testing/result.h"

namespace quoll::lab::backend {
namespace {

using ::testing::HasSubstr;

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Behaviour, DefaultsFailThirtyPercentAndDelayTheRest) {
  Rng rng(42);
  int failed = 0;
  Duration lowest = seconds(10);
  Duration highest{};
  for (int i = 0; i < 10'000; ++i) {
    const Plan plan = make_plan({}, 0, rng);
    EXPECT_EQ(plan.action, Plan::Action::answer);
    if (plan.status == 500) {
      ++failed;
      EXPECT_EQ(plan.delay, Duration::zero());
      continue;
    }
    EXPECT_EQ(plan.status, 200U);
    lowest = std::min(lowest, plan.delay);
    highest = std::max(highest, plan.delay);
  }
  EXPECT_NEAR(failed, 3000, 200);
  EXPECT_GE(lowest, milliseconds(100));
  EXPECT_LT(lowest, milliseconds(105));
  EXPECT_LE(highest, milliseconds(800));
  EXPECT_GT(highest, milliseconds(795));
}

RC_GTEST_PROP(Behaviour, DelayGrowsByDegradeForEachOtherRequest, (std::uint64_t seed)) {
  const auto others = *rc::gen::inRange<std::size_t>(0, 1000);
  Rng alone(seed);
  Rng crowded(seed);
  const Behaviour behaviour{.mode = Mode::healthy};
  const Plan first = make_plan(behaviour, 0, alone);
  const Plan second = make_plan(behaviour, others, crowded);
  RC_ASSERT(second.delay - first.delay == behaviour.degrade * static_cast<Duration::rep>(others));
}

RC_GTEST_PROP(Behaviour, ChangingTheModeDoesNotShiftLaterDraws, (std::uint64_t seed)) {
  Rng steady(seed);
  Rng switched(seed);
  make_plan({.mode = Mode::healthy}, 0, steady);
  make_plan({.mode = Mode::fail}, 0, switched);
  RC_ASSERT(make_plan({}, 0, steady).delay == make_plan({}, 0, switched).delay);
}

TEST(Behaviour, SlowMultipliesTheDelay) {
  Rng rng(1);
  const Behaviour slow{.mode = Mode::slow, .delay = {milliseconds(10), milliseconds(10)}, .slow_factor = 2.5};
  EXPECT_EQ(make_plan(slow, 0, rng).delay, milliseconds(25));
}

TEST(Behaviour, ModesNeverAnswerWhatTheyMustNot) {
  Rng rng(1);
  for (const Mode mode : {Mode::hang, Mode::reset, Mode::refuse, Mode::garbage}) {
    EXPECT_EQ(make_plan({.mode = mode}, 0, rng).status, 0U) << to_string(mode);
  }
  EXPECT_EQ(make_plan({.mode = Mode::fail, .status = 503}, 0, rng).status, 503U);
}

TEST(Behaviour, EveryModeIsReadBack) {
  for (const Mode mode : kModes) EXPECT_EQ(*parse_mode(to_string(mode)), mode);
  EXPECT_NE(parse_mode("dead").error().message.find("healthy"), std::string::npos);
}

TEST(Change, TakesAnySubset) {
  const auto change = parse_change(R"({"mode":"fail","delay":"40ms..80ms","status":503,"degrade":"0","for":"2s"})");
  ASSERT_TRUE(change) << change.error().message;
  const Behaviour after = change->applied_to({});
  EXPECT_EQ(after.mode, Mode::fail);
  EXPECT_EQ(after.delay, (DurationRange{milliseconds(40), milliseconds(80)}));
  EXPECT_EQ(after.status, 503U);
  EXPECT_EQ(after.degrade, Duration::zero());
  EXPECT_EQ(after.fail_rate, 0.3);
  EXPECT_EQ(change->lasting, Duration(seconds(2)));
  EXPECT_TRUE(parse_change("{}"));
  EXPECT_EQ(*parse_change(R"({"fail_rate":1})")->fail_rate, 1.0);
}

TEST(Change, NamesEveryFault) {
  const auto change =
      parse_change(R"({"mode":"dead","fail_rate":2,"status":"500","delay":5,"colour":"red","drip":"0","for":"2h"})");
  ASSERT_FALSE(change);
  for (const char* part : {"'dead'", "fail_rate is 2", "status must be", "delay must be a string", "\"colour\"",
                           "drip is 0", "for is 2h"}) {
    EXPECT_NE(change.error().message.find(part), std::string::npos) << part << " in\n" << change.error().message;
  }
}

TEST(Change, RefusesWhatIsNoFlatObject) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {{"", "not JSON"},
               {"[]", "a JSON object is wanted"},
               {"{", "not JSON"},
               {"\"fail\"", "a JSON object is wanted"},
               {R"({"mode":"fail","mode":"hang"})", "a key is given twice"},
               {R"({"delay":{"low":"1s"}})", "delay must be a string"},
               {R"({"status":404.5})", "status must be"},
               {R"({"mode":null})", "mode must be a string"},
               {"{} {}", "not JSON"}};
  for (const auto& [text, why] : cases) EXPECT_THAT(testing::fault_of(parse_change(text)), HasSubstr(why)) << text;
}

RC_GTEST_PROP(Change, NoInputBreaksTheParser, (const std::string& text)) {
  (void)parse_change(text).has_value();
}

TEST(Behaviour, JsonIsReadBackAsAChange) {
  const Behaviour behaviour{.mode = Mode::slow, .fail_rate = 0.25, .status = 418, .slow_factor = 1.5};
  const auto change =
      parse_change(telemetry::json_object([&](telemetry::JsonWriter& out) { put_members(out, behaviour); }));
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->applied_to({}), behaviour);
}

}  // namespace
}  // namespace quoll::lab::backend

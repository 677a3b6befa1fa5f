#include "quoll/lab/backend/script.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "quoll/testing/result.h"

namespace quoll::lab::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Script, ReadsStepsWithTheirArguments) {
  const auto script = Script::parse(
      "# a day at the backend\n"
      "10s healthy 40ms..80ms\n"
      "\n"
      "20s fail 503   # dead\r\n"
      "10s slow 3x 1s\n"
      "5s answer 50% 502\n"
      "500ms hang\n"
      "loop");
  ASSERT_TRUE(script) << script.error().message;
  ASSERT_EQ(script->steps.size(), 5U);
  EXPECT_TRUE(script->loop);
  EXPECT_EQ(script->steps[0].change.delay, (DurationRange{milliseconds(40), milliseconds(80)}));
  EXPECT_EQ(script->steps[1].change.mode, Mode::fail);
  EXPECT_EQ(script->steps[1].change.status, 503U);
  EXPECT_EQ(script->steps[1].text, "20s fail 503");
  EXPECT_EQ(script->steps[2].change.slow_factor, 3.0);
  EXPECT_EQ(script->steps[2].change.delay, (DurationRange{seconds(1), seconds(1)}));
  EXPECT_EQ(script->steps[3].change.fail_rate, 0.5);
  EXPECT_EQ(script->steps[4].length, milliseconds(500));
}

TEST(Script, NamesEveryFaultWithItsLine) {
  const auto script = Script::parse(
      "10 healthy\n"
      "5s\n"
      "5s dead\n"
      "5s hang 3x\n"
      "0 fail\n"
      "5s fail 700\n"
      "loop\n"
      "5s healthy\n");
  ASSERT_FALSE(script);
  const std::string& message = script.error().message;
  for (const char* part : {"line 1: '10'", "line 2: the mode", "line 3: 'dead'", "line 4: '3x'", "line 5: a step",
                           "line 6: status is 700", "line 8: nothing may follow"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in\n" << message;
  }
  EXPECT_EQ(message.find("line 7"), std::string::npos);
}

TEST(Script, WithoutStepsIsAnError) {
  for (const char* text : {"", "# nothing\nloop\n"}) {
    EXPECT_EQ(testing::fault_of(Script::parse(text)), "the script has no step, such as \"10s healthy\"");
  }
}

TEST(Script, EndsOnceWithoutLoop) {
  const auto script = Script::parse("10s healthy\n5s fail\n");
  EXPECT_EQ(script->at(Duration::zero())->step, 0U);
  EXPECT_EQ(script->at(seconds(10))->step, 1U);
  EXPECT_EQ(script->at(milliseconds(14'999))->ends, Duration(seconds(15)));
  EXPECT_FALSE(script->at(seconds(15)));
}

RC_GTEST_PROP(Script, LoopRepeatsItself, ()) {
  const auto script = Script::parse("10s healthy\n5s fail\n3s hang\nloop\n");
  const auto elapsed = milliseconds(*rc::gen::inRange(0, 1'000'000));
  const auto here = script->at(elapsed);
  const auto next_round = script->at(elapsed + seconds(18));
  RC_ASSERT(here.has_value());
  RC_ASSERT(next_round.has_value());
  RC_ASSERT(here->step == next_round->step);
  RC_ASSERT(here->ends > elapsed);
  RC_ASSERT(next_round->ends - here->ends == Duration(seconds(18)));
}

RC_GTEST_PROP(Script, NoInputBreaksTheParser, (const std::string& text)) {
  (void)Script::parse(text).has_value();
}

}  // namespace
}  // namespace quoll::lab::backend

#include "quoll/lab/demo/cross_check.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>

#include "quoll/lab/demo/phases.h"
#include "test_run.h"

namespace quoll::lab::demo {

using harness::CountMap;
namespace {

using samples::kSecond;

std::size_t failures(const std::vector<Check>& checks) {
  return static_cast<std::size_t>(
      std::count_if(checks.begin(), checks.end(), [](const Check& check) { return !check.pass; }));
}

TEST(CrossCheck, EqualCountsPass) {
  EXPECT_EQ(failures(cross_check(samples::outage_counters(), samples::outage_traffic())), 0U);
}

TEST(CrossCheck, OneMissingRejectFailsItselfAndTheTotal) {
  Counters circuit = samples::outage_counters();
  --circuit.events["reject"];
  const std::vector<Check> checks = cross_check(circuit, samples::outage_traffic());
  EXPECT_EQ(failures(checks), 2U);
  EXPECT_FALSE(checks.front().pass);
  EXPECT_NE(checks.front().note.find("1 fewer"), std::string::npos) << checks.front().note;
}

TEST(CrossCheck, AnotherClientOfTheProxyIsSuspectedWhenTheCircuitCountedMore) {
  Counters circuit = samples::outage_counters();
  circuit.events["success"] += 7;
  const std::vector<Check> checks = cross_check(circuit, samples::outage_traffic());
  const auto success =
      std::find_if(checks.begin(), checks.end(), [](const Check& c) { return c.claim.find("succeeded") == 0; });
  ASSERT_NE(success, checks.end());
  EXPECT_NE(success->note.find("another client"), std::string::npos) << success->note;
}

TEST(CrossCheck, ARequestWithoutAnAnswerExplainsOneMoreButNotTwo) {
  Counters circuit = samples::outage_counters();
  Traffic load = samples::outage_traffic();
  load.requests += 1;
  load.errors["closed"] = 1;
  circuit.events["cancelled"] = 1;
  EXPECT_EQ(failures(cross_check(circuit, load)), 0U);
  circuit.events["cancelled"] = 2;
  EXPECT_EQ(failures(cross_check(circuit, load)), 1U);
}

TEST(CrossCheck, AnUnknownFallbackReasonDoesNotPass) {
  Traffic load = samples::outage_traffic();
  load.requests += 1;
  load.fallback["other"] = 1;
  EXPECT_GT(failures(cross_check(samples::outage_counters(), load)), 0U);
}

TEST(States, EveryMomentBelongsToExactlyOneState) {
  const std::vector<StateChange> changes = {{.at = 3 * kSecond, .from = "closed", .to = "open"},
                                            {.at = 8 * kSecond, .from = "open", .to = "half_open"},
                                            {.at = 9 * kSecond, .from = "half_open", .to = "closed"}};
  const auto times = time_in_states("closed", changes, Duration::zero(), 10 * kSecond);
  EXPECT_EQ(times.at("closed"), 4 * kSecond);
  EXPECT_EQ(times.at("open"), 5 * kSecond);
  EXPECT_EQ(times.at("half_open"), 1 * kSecond);
}

RC_GTEST_PROP(States, TimesAddUpToTheSpan, ()) {
  const auto gaps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000));
  std::vector<StateChange> changes;
  Duration at{};
  for (const int gap : gaps) {
    at += std::chrono::milliseconds(gap);
    changes.push_back({.at = at, .from = {}, .to = changes.size() % 2 == 0 ? "open" : "closed"});
  }
  const Duration start = std::chrono::milliseconds(*rc::gen::inRange(0, 5000));
  const Duration end = start + std::chrono::milliseconds(*rc::gen::inRange(0, 5000));
  const auto times = time_in_states("closed", changes, start, end);
  const Duration sum = std::accumulate(times.begin(), times.end(), Duration::zero(),
                                       [](Duration total, const auto& one) { return total + one.second; });
  RC_ASSERT(sum == end - start);
}

TEST(States, TheStateBeforeTheFirstChangeIsTheOneItLeft) {
  const RunRecord run = samples::small_run();
  EXPECT_EQ(state_at(run, 1 * kSecond), "closed");
  EXPECT_EQ(state_at(run, 3 * kSecond), "open");
}

TEST(Summary, APhaseKnowsItsOpeningsItsStatesAndItsLongestLag) {
  const RunRecord run = samples::small_run();
  const PhaseRecord& outage = run.phases[1];
  EXPECT_EQ(outage.opens, 1U);
  EXPECT_EQ(outage.time_in_state.at("open"), 1 * kSecond);
  EXPECT_EQ(outage.time_in_state.at("closed"), 1 * kSecond);
  EXPECT_EQ(outage.max_lag, std::chrono::milliseconds(7));
  EXPECT_EQ(run.phases[0].max_lag, std::chrono::milliseconds(3));
}

TEST(Summary, AChangeSeenLateStillCountsInThePhaseInWhichItHappened) {
  RunRecord run = samples::small_run();
  // The journal's time says that the circuit closed before the second phase, whatever sample showed it first.
  run.changes = {{.sequence = 1, .at = kSecond, .from = "closed", .to = "open"},
                 {.sequence = 2, .at = 2 * kSecond - Duration(1), .from = "open", .to = "closed"}};
  summarise(run);
  EXPECT_EQ(run.phases[1].time_in_state.count("open"), 0U);
  EXPECT_EQ(run.phases[1].time_in_state.at("closed"), 2 * kSecond);
}

TEST(Summary, AFinishedRunIsOk) {
  EXPECT_TRUE(samples::small_run().ok());
}

TEST(Summary, AnOpeningOnAHealthyBackendIsAFailure) {
  RunRecord run = samples::small_run();
  run.changes.insert(run.changes.begin(), {.sequence = 0, .at = kSecond, .from = "closed", .to = "open"});
  summarise(run);
  EXPECT_FALSE(run.ok());
  EXPECT_FALSE(run.phases[0].findings[0].pass);
}

TEST(Summary, ATimeoutOfAHealthyBackendIsAFailure) {
  RunRecord run = samples::small_run();
  run.phases[0].counters.events = {{"success", 9}, {"timeout", 1}, {"fallback", 1}};
  run.phases[0].traffic.fallback = {{"none", 9}, {"timeout", 1}};
  summarise(run);
  EXPECT_EQ(failures(run.checks), 0U);
  EXPECT_FALSE(run.ok());
}

TEST(Summary, AnOutageThatOpensNothingIsAFailure) {
  RunRecord run = samples::small_run();
  run.changes.clear();
  summarise(run);
  EXPECT_FALSE(run.ok());
}

TEST(Summary, ACircuitThatWasOpenAllAlongCountsAsOpen) {
  RunRecord run = samples::small_run();
  run.changes = {{.sequence = 1, .at = 2 * kSecond - Duration(1), .from = "closed", .to = "open"}};
  run.phases[0].phase.expectation = {};
  summarise(run);
  EXPECT_TRUE(run.ok());
}

TEST(Summary, AProblemOrAnInterruptionIsNotOk) {
  RunRecord run = samples::small_run();
  run.problems = {"proxy ended"};
  EXPECT_FALSE(run.ok());
  run = samples::small_run();
  run.interrupted = true;
  EXPECT_FALSE(run.ok());
}

TEST(Summary, APhaseCutShortIsNeitherCheckedNorJudged) {
  RunRecord run = samples::small_run();
  run.phases[1].complete = false;
  run.phases[1].counters = {};
  summarise(run);
  EXPECT_TRUE(run.phases[1].checks.empty());
  EXPECT_TRUE(run.phases[1].findings.empty());
  EXPECT_EQ(failures(run.checks), 0U);
}

TEST(Counters, TheDifferenceIsWhatWasCountedInBetween) {
  const Counters before{.events = {{"success", 10}, {"open", 1}}, .attempts = {}};
  const Counters after{.events = {{"success", 15}, {"open", 1}, {"reject", 2}}, .attempts = {}};
  EXPECT_EQ(difference(after, before).events, (CountMap{{"success", 5}, {"reject", 2}}));
}

TEST(Plan, LastsAboutTwentyAndNinetySeconds) {
  EXPECT_NEAR(to_seconds(total_length(make_plan({.quick = true}))), 20, 4);
  EXPECT_NEAR(to_seconds(total_length(make_plan({}))), 90, 4);
}

TEST(Plan, EveryStepFallsIntoItsPhaseInOrder) {
  for (const bool quick : {false, true}) {
    for (const Phase& phase : make_plan({.quick = quick})) {
      Duration last{};
      for (const Step& step : phase.steps) {
        EXPECT_GE(step.at, last) << phase.name;
        EXPECT_LT(step.at, phase.length) << phase.name;
        last = step.at;
      }
    }
  }
}

TEST(Plan, PressureEndsWithItsPhase) {
  const std::vector<Phase> plan = make_plan({});
  bool pressed = false;
  for (const Phase& phase : plan) {
    for (const Step& step : phase.steps) {
      if (step.sets_pressure) pressed = step.loop.has_value();
    }
    EXPECT_EQ(pressed, phase.name == "pressure") << phase.name;
  }
}

TEST(Plan, AVerdictByTimerPromisesNothingUnderPressure) {
  for (const Phase& phase : make_plan({.arrival = false})) {
    if (phase.name != "pressure") continue;
    EXPECT_FALSE(phase.expectation.never_opens);
    EXPECT_FALSE(phase.expectation.no_timeouts);
    EXPECT_TRUE(phase.expectation.control);
  }
}

}  // namespace
}  // namespace quoll::lab::demo

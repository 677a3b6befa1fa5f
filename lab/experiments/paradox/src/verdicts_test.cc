#include "quoll/lab/paradox/verdicts.h"

#include <gtest/gtest.h>

namespace quoll::lab::paradox {

using harness::LoggedCall;
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kDeadline = milliseconds(100);

TimePoint at(double ms) {
  return TimePoint(std::chrono::round<Duration>(std::chrono::duration<double, std::milli>(1000 + ms)));
}

LoggedCall logged(unsigned status, double done_ms) {
  return {.id = "c-1", .sent = at(0), .done = at(done_ms), .status = status};
}

// Received 0.1 ms after the client sent it.
Truths answered(double ms, unsigned status = 200) {
  return {{"c-1", {at(0.1), at(ms - 0.02), at(ms), status}}};
}

Truths never_answered() {
  return {{"c-1", {at(0.1), {}, {}, 200}}};
}

Call one(const LoggedCall& call, const Truths& truths) {
  const auto calls = join({call}, truths, kDeadline, kGuardBand);
  EXPECT_EQ(calls.size(), 1U);
  return calls.at(0);
}

TEST(ParadoxJoin, TimeoutOfAnAnswerInTimeIsFalse) {
  const Call call = one(logged(504, 130), answered(60));
  EXPECT_TRUE(call.false_timeout);
  EXPECT_EQ(call.fact, Fact::in_time);
  EXPECT_FALSE(call.early);
}

TEST(ParadoxJoin, TimeoutOfALateAnswerIsRight) {
  EXPECT_FALSE(one(logged(504, 101), answered(140)).false_timeout);
  EXPECT_FALSE(one(logged(504, 101), never_answered()).false_timeout);
}

TEST(ParadoxJoin, TimeoutBeforeTheDeadlineIsFalseWhateverCameLater) {
  const Call call = one(logged(504, 80), never_answered());
  EXPECT_TRUE(call.early);
  EXPECT_TRUE(call.false_timeout);
}

TEST(ParadoxJoin, TimeoutOfACallThatWasNeverSentIsFalse) {
  const Call call = one(logged(504, 300), {});
  EXPECT_EQ(call.fact, Fact::never_sent);
  EXPECT_TRUE(call.false_timeout);
}

TEST(ParadoxJoin, LateAnswerPassedOnAsGoodIsMissed) {
  const Call missed = one(logged(200, 141), answered(140));
  EXPECT_TRUE(missed.missed);
  EXPECT_EQ(missed.missed_by, at(139.98) - at(100.1));
  EXPECT_FALSE(one(logged(200, 141), answered(60)).missed);
}

TEST(ParadoxJoin, WithinTheGuardBandNobodyCanSay) {
  for (const double ms : {98.2, 100.1, 102.0}) {
    EXPECT_EQ(one(logged(504, 130), answered(ms)).fact, Fact::close) << ms;
    EXPECT_FALSE(one(logged(504, 130), answered(ms)).false_timeout) << ms;
    EXPECT_FALSE(one(logged(200, 130), answered(ms)).missed) << ms;
  }
}

TEST(ParadoxJoin, AnswerThatWasBeingHandedOverAtTheDeadlineIsTooCloseToCall) {
  const Truths truths = {{"c-1", {at(0.1), at(50), at(140), 200}}};  // the backend lost the CPU in between
  EXPECT_EQ(one(logged(504, 150), truths).fact, Fact::close);
}

TEST(ParadoxJoin, OwnRejectionIsToldFromTheBackends503) {
  EXPECT_EQ(one(logged(503, 1), {}).said, Said::rejected);
  EXPECT_EQ(one(logged(503, 60), answered(50, 503)).said, Said::failed);
  EXPECT_EQ(one(logged(500, 60), answered(50, 500)).said, Said::failed);
}

TEST(ParadoxJoin, CallTriedTwiceIsJudgedByTheSecond) {
  Truths truths = never_answered();
  truths.emplace("c-1", Truth{at(20), at(69), at(70), 200});
  EXPECT_EQ(one(logged(200, 71), truths).fact, Fact::in_time);
}

TEST(ParadoxJoin, UnfinishedAndUnsentCallsAreLeftOut) {
  LoggedCall unfinished = logged(0, 10);
  unfinished.error = "unfinished";
  LoggedCall unsent = logged(0, 10);
  unsent.sent.reset();
  EXPECT_TRUE(join({unfinished, unsent}, {}, kDeadline, kGuardBand).empty());
}

Call verdict(double done_ms, Said said, bool false_timeout = false) {
  Call call;
  call.sent = at(done_ms - 50);
  call.done = at(done_ms);
  call.received = call.sent;
  call.said = said;
  call.fact = false_timeout || said == Said::good ? Fact::in_time : Fact::late;
  call.false_timeout = false_timeout;
  return call;
}

bool false_open(const std::vector<Call>& calls, const std::optional<Span>& outage = {}) {
  std::vector<Transition> transitions = {{at(100), "open", false}};
  judge_openings(transitions, calls, milliseconds(2000), 0.5, outage);
  return transitions[0].false_open;
}

TEST(ParadoxOpening, IsFalseWhenFalseTimeoutsMadeTheDifference) {
  EXPECT_TRUE(false_open({verdict(10, Said::good), verdict(20, Said::timeout, true), verdict(30, Said::timeout)}));
}

TEST(ParadoxOpening, IsRightWhenTheOtherFailuresWereEnough) {
  EXPECT_FALSE(false_open({verdict(10, Said::timeout, true), verdict(20, Said::timeout), verdict(30, Said::failed)}));
}

TEST(ParadoxOpening, IsNeverFalseDuringAnOutage) {
  EXPECT_FALSE(false_open({verdict(10, Said::good), verdict(20, Said::timeout, true)}, Span{at(5), at(500)}));
}

TEST(ParadoxOpening, LooksNoFurtherBackThanTheChangeOfStateBefore) {
  // The false timeouts belong to the first opening; the trial that made the second one failed.
  std::vector<Transition> transitions = {
      {at(100), "open", false}, {at(200), "half_open", false}, {at(300), "open", false}};
  judge_openings(transitions, {verdict(50, Said::timeout, true), verdict(290, Said::timeout)}, milliseconds(2000), 0.5,
                 {});
  EXPECT_TRUE(transitions[0].false_open);
  EXPECT_FALSE(transitions[2].false_open);
}

TEST(ParadoxSummary, CountsWhatWasSaidAndWhatWasTrue) {
  const auto calls = std::vector<Call>{verdict(60, Said::good), verdict(120, Said::timeout, true),
                                       verdict(151, Said::timeout), verdict(160, Said::rejected)};
  const Summary s = summarise(calls, {}, milliseconds(40), {});
  EXPECT_EQ(s.calls, 4U);
  EXPECT_EQ(s.good, 1U);
  EXPECT_EQ(s.timeouts, 2U);
  EXPECT_EQ(s.rejected, 1U);
  EXPECT_EQ(s.false_timeouts, 1U);
  EXPECT_DOUBLE_EQ(s.false_share(), 0.5);
  // Only the right one is late: 50 ms after it was sent, against a deadline of 40.
  EXPECT_EQ(s.lateness.count, 1U);
  EXPECT_EQ(s.lateness.max, milliseconds(10));
  EXPECT_EQ(s.length, milliseconds(150));
}

TEST(ParadoxSummary, TimesToOpenAndCloseCountFromTheOutagesEnds) {
  const std::vector<Transition> transitions = {
      {at(50), "open", true}, {at(90), "closed", false}, {at(140), "open", false}, {at(420), "closed", false}};
  const Summary s = summarise({verdict(60, Said::good)}, transitions, kDeadline, Span{at(100), at(400)});
  EXPECT_EQ(s.time_to_open, milliseconds(40));
  EXPECT_EQ(s.time_to_close, milliseconds(20));
  EXPECT_EQ(s.opens, 2U);
  EXPECT_EQ(s.false_opens, 1U);
}

TEST(ParadoxParsing, LineThatIsNoTruthIsQuoted) {
  const auto truth = parse_truth("{\"id\":\"c-1\"}\n");
  ASSERT_FALSE(truth);
  EXPECT_NE(truth.error().message.find("c-1"), std::string::npos);
}

TEST(ParadoxParsing, TruthKeepsWhatDidNotHappenEmpty) {
  const auto truths = parse_truth(
      R"({"seq":1,"id":"c-1","received_ns":5,"sending_ns":6,"answered_ns":7,"planned_ms":1.0,"status":200})"
      "\n"
      R"({"seq":2,"id":"c-2","received_ns":5,"sending_ns":null,"answered_ns":null,"planned_ms":1.0,"status":200})"
      "\n");
  ASSERT_TRUE(truths) << truths.error().message;
  EXPECT_EQ(truths->find("c-1")->second.answered, TimePoint(Duration(7)));
  EXPECT_FALSE(truths->find("c-2")->second.answered.has_value());
}

}  // namespace
}  // namespace quoll::lab::paradox

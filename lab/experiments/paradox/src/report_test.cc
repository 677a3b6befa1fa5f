#include "quoll/lab/paradox/report.h"

#include <gtest/gtest.h>
#include <algorithm>

#include <boost/json.hpp>

#include "quoll/lab/harness/text.h"
#include "quoll/lab/paradox/callers.h"

namespace quoll::lab::paradox {

using harness::width_of;
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

CellRecord cell_of(Caller caller, std::uint64_t false_timeouts) {
  CellRecord cell;
  cell.caller = caller;
  cell.length = seconds(5);
  cell.summary.calls = 1200;
  cell.summary.in_time = 1000;
  cell.summary.false_timeouts = false_timeouts;
  return cell;
}

Record run_of(std::vector<CellRecord> cells) {
  Record run;
  run.groups.push_back({{Pressure::loop600, Backend::wide, seconds(5), 0, {}}, std::move(cells)});
  return run;
}

TEST(ParadoxSentence, SaysHowManyAndWhen) {
  CellRecord cell = cell_of(Caller::node, 134);
  cell.stalls = {{seconds(1), milliseconds(1600)}};
  cell.tallies = {{milliseconds(1600), 134, 0, 0}};
  EXPECT_EQ(sentence(cell, {}),
            "Node + opossum called 134 of 1,000 answers in time late (13.4 %), all of them during or just after one of "
            "its only stall.");
}

TEST(ParadoxSentence, OfNoFalseTimeoutSaysWhatWasRescued) {
  CellRecord cell = cell_of(Caller::quoll_arrival, 0);
  cell.rescued = 120;
  EXPECT_EQ(sentence(cell, {}),
            "Quoll called none of 1,000 answers in time late. It got round to 120 answers only after their deadline, "
            "and saw that they had arrived before it.");
}

TEST(ParadoxSentence, TellsOfTheBreakerAndOfLateTimeouts) {
  CellRecord cell = cell_of(Caller::quoll_arrival, 0);
  cell.summary.time_to_open = milliseconds(900);
  cell.summary.lateness = {50, milliseconds(1), milliseconds(2), milliseconds(30)};
  const std::string text = sentence(cell, {.backend = Backend::outage});
  EXPECT_TRUE(contains(text, "opened 900ms after the outage began, and did not close in the run")) << text;
  EXPECT_TRUE(contains(text, "came 1.0 ms after the deadline in the middle, 2.0 ms at p99 and 30 ms at worst")) << text;
}

TEST(Record, OneWrongVerdictOfQuollByArrivalFailsTheRun) {
  EXPECT_TRUE(run_of({cell_of(Caller::quoll_arrival, 0), cell_of(Caller::quoll_timer, 50)}).ok());
  EXPECT_FALSE(run_of({cell_of(Caller::quoll_arrival, 1)}).ok());
  CellRecord missed = cell_of(Caller::quoll_arrival, 0);
  missed.summary.missed = 1;
  EXPECT_FALSE(run_of({missed}).ok());
  CellRecord opened = cell_of(Caller::quoll_arrival, 0);
  opened.summary.false_opens = 1;
  EXPECT_FALSE(run_of({opened}).ok());
}

TEST(Record, SkippedCellsCountForNothing) {
  CellRecord skipped = cell_of(Caller::caddy, 10);
  skipped.skipped = "caddy is not there";
  const Record run = run_of({skipped, cell_of(Caller::quoll_arrival, 0)});
  ASSERT_EQ(totals(run).size(), 1U);
  EXPECT_EQ(totals(run)[0].caller, Caller::quoll_arrival);
  const auto lines = group_table(run.groups[0]);
  EXPECT_TRUE(contains(lines.back(), "skipped: caddy is not there"));
}

TEST(ParadoxTable, FitsEightyColumns) {
  CellRecord cell = cell_of(Caller::node, 12'345);
  cell.summary.calls = 99'999;
  cell.summary.in_time = 90'000;
  cell.summary.opens = 12;
  cell.summary.false_opens = 11;
  cell.summary.lateness = {3, milliseconds(700), milliseconds(1800), milliseconds(1900)};
  cell.summary.goodput = 9999;
  cell.summary.latency = {5, milliseconds(10), milliseconds(1234), milliseconds(2000)};
  GroupRecord group{{Pressure::quota, Backend::steady, seconds(5), 0, {}}, {cell}};
  for (const std::string& line : group_table(group)) EXPECT_LE(width_of(line), 80U) << line;
  group.group.backend = Backend::outage;
  for (const std::string& line : group_table(group)) EXPECT_LE(width_of(line), 80U) << line;
}

TEST(ParadoxJson, IsWhatThePageShows) {
  const auto value = boost::json::parse(to_json(run_of({cell_of(Caller::quoll_arrival, 0)})));
  EXPECT_EQ(value.at("experiment").as_string(), "paradox");
  const auto& cell = value.at("groups").as_array().at(0).at("cells").as_array().at(0);
  EXPECT_EQ(cell.at("caller").as_string(), "quoll");
  EXPECT_EQ(cell.at("summary").at("in_time").to_number<int>(), 1000);
  EXPECT_TRUE(contains(page(run_of({})), "laneLayer"));
}

TEST(ParadoxTally, PutsVerdictsIntoSteps) {
  const TimePoint start(seconds(1));
  std::vector<Call> calls(3);
  for (Call& call : calls) call.said = Said::timeout;
  calls[0].done = start + milliseconds(120);
  calls[0].false_timeout = true;
  calls[1].done = start + milliseconds(149);
  calls[2].done = start + milliseconds(160);
  const auto tallies = tally(calls, start, milliseconds(50));
  ASSERT_EQ(tallies.size(), 2U);
  EXPECT_EQ(tallies[0].at, milliseconds(100));
  EXPECT_EQ(tallies[0].false_timeouts, 1U);
  EXPECT_EQ(tallies[0].true_timeouts, 1U);
  EXPECT_EQ(tallies[1].true_timeouts, 1U);
}

TEST(ParadoxPlan, LoopIsOnlyBlockedWhereThereIsOneToAsk) {
  for (const Group& group : make_plan({})) {
    for (const Caller caller : group.callers) EXPECT_TRUE(applies(group.pressure, caller));
  }
  EXPECT_TRUE(make_plan({.callers = {Caller::nginx}, .pressures = {Pressure::loop600}}).empty());
}

TEST(ParadoxPlan, NamedPressuresAndBackendsAreAllPaired) {
  const auto plan = make_plan({.callers = {Caller::quoll_arrival},
                               .pressures = {Pressure::none, Pressure::cores},
                               .backends = {Backend::steady, Backend::unstable},
                               .requests = 500});
  EXPECT_EQ(plan.size(), 4U);
  for (const Group& group : plan) EXPECT_EQ(group.requests, 500U);
}

TEST(ParadoxPlan, QuickTakesUpTo90Seconds) {
  EXPECT_LT(expected(make_plan({}, true)), seconds(90));
  EXPECT_LT(expected(make_plan({})), seconds(540));
}

TEST(ParadoxPlan, NodeWithFetchTakesPartWhenItIsNamed) {
  for (const Group& group : make_plan({})) {
    EXPECT_EQ(std::count(group.callers.begin(), group.callers.end(), Caller::node_quoll_fetch), 0);
  }
  const auto callers = parse_callers("node,node-quoll,node-quoll-fetch");
  ASSERT_TRUE(callers);
  const auto plan = make_plan({.callers = *callers, .pressures = {Pressure::loop600}, .backends = {Backend::wide}});
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(plan.front().callers, (std::vector<Caller>{Caller::node, Caller::node_quoll, Caller::node_quoll_fetch}));
}

TEST(ParadoxPlan, UnknownWordIsAnsweredWithThoseThereAre) {
  const auto wrong = parse_callers("quoll,envoy");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(contains(wrong.error().message, "'envoy' is no caller; there are quoll, quoll-timer, node"));
  EXPECT_EQ(parse_pressures("quota,none,quota")->size(), 2U);
}

TEST(ParadoxCallers, TemplatesAreFilledInEverywhere) {
  EXPECT_EQ(fill_template("a @PORT@ b @PORT@ @X@", {{"PORT", "80"}}), "a 80 b 80 @X@");
}

}  // namespace
}  // namespace quoll::lab::paradox

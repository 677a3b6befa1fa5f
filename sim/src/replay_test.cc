#include "quoll/sim/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace quoll::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

Trace read(const std::string& text) {
  auto trace = parse_trace(text, "t.csv");
  EXPECT_TRUE(trace.has_value()) << (trace ? "" : trace.error().message);
  return *std::move(trace);
}

std::string fault_of(const std::string& text) {
  const auto trace = parse_trace(text, "t.csv");
  EXPECT_FALSE(trace.has_value());
  if (trace) return "";
  EXPECT_EQ(trace.error().code, "trace");
  return trace.error().message;
}

TEST(Trace, TimesCarryTheirUnitOrTheHeaderDoes) {
  const Trace with = read("time,latency,outcome\n1s,40ms,success\n1500ms,2.5ms,failure\n");
  ASSERT_EQ(with.calls.size(), 2U);
  EXPECT_EQ(with.calls[0].at, Duration::zero());  // from the first one on
  EXPECT_EQ(with.calls[1].at, milliseconds(500));
  EXPECT_EQ(with.calls[1].latency, microseconds(2500));
  EXPECT_EQ(with.calls[1].outcome, core::Outcome::failure);
  const Trace bare = read("outcome,latency_ms,host,time_s\r\ntimeout, 40.5 ,a,0.25\r\n\r\nsuccess,1,b,0\r\n");
  ASSERT_EQ(bare.calls.size(), 2U);
  EXPECT_EQ(bare.calls[0].latency, milliseconds(1));  // sorted
  EXPECT_EQ(bare.calls[1].at, milliseconds(250));
  EXPECT_EQ(bare.calls[1].latency, microseconds(40'500));
  EXPECT_EQ(bare.calls[1].outcome, core::Outcome::timeout);
}

TEST(Trace, TheLogOfTheLoadGeneratorIsToldByItsHeader) {
  const Trace trace = read(
      "id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error\n"
      "1,1,100,1000000000,1001,1040000000,200,none,\n"
      "2,1,100,1100000000,1001,1140000000,503,none,\n"
      "3,1,100,1200000000,,1700000000,,,timeout\n"
      "4,1,100,1300000000,,1300000001,,,reset\n"
      "5,,100,,,,,,unsent\n"
      "6,1,100,1400000000,,1500000000,,,unfinished\n"
      "7,1,100,1500000000,1001,1540000000,200,timeout,\n"
      "8,1,100,1600000000,1001,1600000100,200,open,\n");
  EXPECT_EQ(trace.skipped, 1U);
  ASSERT_EQ(trace.calls.size(), 7U);
  EXPECT_EQ(trace.calls[0].latency, milliseconds(40));
  EXPECT_EQ(trace.calls[0].outcome, core::Outcome::success);
  EXPECT_EQ(trace.calls[1].outcome, core::Outcome::failure);
  EXPECT_EQ(trace.calls[1].at, milliseconds(100));
  EXPECT_EQ(trace.calls[2].outcome, core::Outcome::timeout);
  EXPECT_EQ(trace.calls[2].latency, milliseconds(500));
  EXPECT_EQ(trace.calls[3].outcome, core::Outcome::failure);
  EXPECT_EQ(trace.calls[4].outcome, core::Outcome::cancelled);
  EXPECT_EQ(trace.calls[5].outcome, core::Outcome::timeout);
  EXPECT_EQ(trace.calls[6].outcome, core::Outcome::ignored);
}

TEST(Trace, AFaultNamesItsPlaceAndWhatWouldBeRight) {
  EXPECT_THAT(fault_of(""), StartsWith("t.csv:1:1: the file is empty"));
  EXPECT_THAT(fault_of("time,outcome\n"), StartsWith("t.csv:1:1: the header has no column 'latency'"));
  EXPECT_THAT(fault_of("time,time_s,latency,outcome\n"), StartsWith("t.csv:1:6: a second column for 'time_s'"));
  EXPECT_THAT(fault_of("time,latency,outcome\n"), StartsWith("t.csv:1:1: no call in it"));
  EXPECT_THAT(fault_of("time,latency,outcome\n1s,2ms,success\n\n1s,2ms\n"),
              StartsWith("t.csv:4:4: 2 fields, but the header has 3"));
  EXPECT_THAT(fault_of("time,latency,outcome\n1s, 2,success\n"),
              StartsWith("t.csv:2:5: '2' is no time; it must be one"));
  EXPECT_THAT(fault_of("time,latency_ms,outcome\n1s,2ms,success\n"),
              StartsWith("t.csv:2:4: '2ms' is no time; it must be a number"));
  EXPECT_THAT(fault_of("time_s,latency_ms,outcome\n1,-2,success\n"), StartsWith("t.csv:2:3: '-2' is no time"));
  EXPECT_THAT(fault_of("time_s,latency_ms,outcome\n1,nan,success\n"), StartsWith("t.csv:2:3: 'nan' is no time"));
  EXPECT_THAT(fault_of("time_s,latency_ms,outcome\n1e300,2,success\n"), StartsWith("t.csv:2:1: '1e300' is no time"));
  EXPECT_THAT(fault_of("time,latency,outcome\n1s,2ms,ok\n"),
              StartsWith("t.csv:2:8: 'ok' is no outcome; it must be success, failure"));
  const std::string load = "id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error\n";
  EXPECT_THAT(fault_of(load + "1,1,1,10,1,20,2000,none,\n"), StartsWith("t.csv:2:15: '2000' is no status"));
  EXPECT_THAT(fault_of(load + "1,1,1,10,1,5,200,none,\n"), StartsWith("t.csv:2:12: done before it was sent"));
  EXPECT_THAT(fault_of(load + "1,1,1,1.5,1,5,200,none,\n"),
              StartsWith("t.csv:2:7: '1.5' is no time; it must be whole"));
  EXPECT_THAT(fault_of(load + "1,1,1,1,1,5,,,\n"), StartsWith("t.csv:2:13: neither a status nor an error"));
}

// Calls every 10 ms for 60 s: 40 ms each; from 20 s to 30 s each fails or hangs.
Trace outage(core::Outcome outcome, Duration latency) {
  Trace trace;
  for (int i = 0; i < 6000; ++i) {
    const bool out = i >= 2000 && i < 3000;
    trace.calls.push_back(
        {milliseconds(10 * i), out ? latency : milliseconds(40), out ? outcome : core::Outcome::success});
  }
  return trace;
}

ReplayResult replay_with(const Trace& trace, const std::vector<std::string>& settings = {}) {
  const auto variants = parse_variants(settings);
  EXPECT_TRUE(variants.has_value()) << (variants ? "" : variants.error().message);
  return replay(trace, "t.csv", *variants);
}

TEST(Replay, TheBreakerWouldHaveOpenedInTheOutage) {
  const ReplayResult result = replay_with(outage(core::Outcome::failure, milliseconds(1)));
  ASSERT_EQ(result.variants.size(), 1U);
  const BreakerReplay& breaker = result.variants[0].breaker;
  // Half of a window of 10 s has failed after 5 s; a trial fails 5 s later, just before the end, or is a success.
  EXPECT_GE(breaker.opened, 1U);
  ASSERT_FALSE(breaker.transitions.empty());
  EXPECT_NEAR(to_seconds(breaker.transitions[0].at.time_since_epoch()), 25, 0.1);
  EXPECT_GT(breaker.rejected_bad, 400U);
  EXPECT_EQ(breaker.rejected, breaker.rejected_bad + breaker.rejected_good);
  EXPECT_EQ(breaker.transitions.back().to, core::State::closed);
}

TEST(Replay, VariantsAreComparedInOneRun) {
  const ReplayResult result =
      replay_with(outage(core::Outcome::failure, milliseconds(1)),
                  {"quick:breaker.window=2s", "breaker.reset_timeout=1s", "plain:breaker.window=10s"});
  ASSERT_EQ(result.variants.size(), 2U);
  EXPECT_EQ(result.variants[0].name, "quick");
  EXPECT_NEAR(to_seconds(result.variants[0].breaker.transitions[0].at.time_since_epoch()), 21, 0.1);
  EXPECT_NEAR(to_seconds(result.variants[1].breaker.transitions[0].at.time_since_epoch()), 25, 0.1);
  // The common setting holds for both: open for a second at a time.
  EXPECT_GE(result.variants[0].breaker.opened, 5U);
}

TEST(Replay, TheAdaptiveTimeoutWouldHaveSeenTheHangSooner) {
  const ReplayResult result = replay_with(outage(core::Outcome::timeout, seconds(1)));
  const TimeoutReplay& timeout = result.variants[0].timeout;
  EXPECT_EQ(timeout.sooner, 1000U);
  EXPECT_EQ(timeout.not_sooner, 0U);
  EXPECT_EQ(timeout.cut_off, 0U);
  EXPECT_GT(timeout.sooner_by, milliseconds(500));
  EXPECT_LT(timeout.least, milliseconds(100));
  EXPECT_GE(timeout.most, milliseconds(500));  // in warm-up
}

TEST(Replay, ATimeoutTooTightCutsOffGoodAnswers) {
  const ReplayResult result = replay_with(outage(core::Outcome::success, milliseconds(400)),
                                          {"adaptive_timeout.max_growth=1.1", "adaptive_timeout.ceiling=500ms"});
  EXPECT_GT(result.variants[0].timeout.cut_off, 5U);
}

TEST(Replay, TheLimitFollowsTheTrace) {
  const ReplayResult result = replay_with(outage(core::Outcome::timeout, seconds(1)));
  const LimitReplay& limit = result.variants[0].limit;
  // 100 a second for a second each.
  EXPECT_EQ(limit.most_in_flight, 100U);
  EXPECT_GT(limit.refused, 0U);
  EXPECT_LE(limit.least, limit.most);
}

TEST(Replay, BadVariantsAreErrors) {
  const auto fault = [](const std::vector<std::string>& settings) {
    const auto variants = parse_variants(settings);
    EXPECT_FALSE(variants.has_value());
    return variants ? std::string() : variants.error().message;
  };
  EXPECT_THAT(fault({"breaker.windo=1s"}), HasSubstr("no setting 'breaker.windo'; there are: breaker.window_kind"));
  EXPECT_THAT(fault({"a:client.rate=5"}), HasSubstr("a:nothing here has a use for 'client.rate'"));
  EXPECT_THAT(fault({"a:breaker.window=1us"}), HasSubstr("a: breaker.window is 1us"));
  EXPECT_THAT(fault({"breaker.window=1us"}), HasSubstr("as set: breaker.window is 1us"));
}

}  // namespace
}  // namespace quoll::sim

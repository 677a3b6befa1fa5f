#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "quoll/lab/demo/observer.h"
#include "quoll/lab/demo/parts_json.h"
#include "quoll/lab/harness/metrics_page.h"
#include "quoll/testing/result.h"

namespace quoll::lab::demo {

using harness::MetricsPage;
namespace {

using ::testing::HasSubstr;

using std::chrono::milliseconds;

constexpr const char* kStatus = R"({"state":"open","verdict":"arrival","circuits":[{"name":"default","state":"open",
"since":"2026-01-02T03:04:06.500Z","state_seconds":1.5,"explanation":"open since","window":{"seconds":10,"total":40,
"failure_rate_percent":62.5,"slow_rate_percent":0},"totals":{},"options":{},"transitions":[
{"sequence":2,"at":"2026-01-02T03:04:07Z","from":"open","to":"half_open","reason":"reset_timeout","evidence":{},"text":"b"},
{"sequence":1,"at":"2026-01-02T03:04:06.500Z","from":"closed","to":"open","reason":"failure_rate","evidence":{},
"text":"a"}]}],"loop":{"workers":[{"index":0,"lag_ms":0.25,"max_lag_ms_10s":12},
{"index":1,"lag_ms":3,"max_lag_ms_10s":4}]}})";

TEST(CircuitStatus, IsReadWithItsJournalInOrderOnTheRunsAxis) {
  const auto epoch = parse_rfc3339("2026-01-02T03:04:05Z");
  const auto status = parse_circuit_status(kStatus, *epoch);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->sample.state, "open");
  EXPECT_EQ(status->sample.failure_rate, 62.5);
  EXPECT_EQ(status->sample.window_total, 40U);
  EXPECT_EQ(status->lag_now, milliseconds(3));
  EXPECT_EQ(status->sample.lag_10s, milliseconds(12));
  ASSERT_EQ(status->changes.size(), 2U);
  EXPECT_EQ(status->changes[0].text, "a");
  EXPECT_EQ(status->changes[0].at, milliseconds(1500));
  EXPECT_EQ(status->changes[1].at, milliseconds(2000));
}

TEST(CircuitStatus, AMissingFieldIsNamed) {
  const auto status = parse_circuit_status(R"({"circuits":[{"state":"open"}]})", WallTime{});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "contract");
  EXPECT_NE(status.error().message.find("\"state_seconds\""), std::string::npos) << status.error().message;
}

TEST(CircuitStatus, NoCircuitAndNoJsonAreErrors) {
  const auto fault = [](const char* text) { return testing::fault_of(parse_circuit_status(text, WallTime{})); };
  EXPECT_THAT(fault(R"({"circuits":[],"loop":{}})"), HasSubstr("it has no circuit"));
  EXPECT_THAT(fault("<html>"), HasSubstr("not JSON"));
  EXPECT_THAT(fault("[1]"), HasSubstr("it has no circuit"));
}

TEST(LoadLine, ATickAndAResultAreReadWithTheSameTotals) {
  const std::string rest =
      R"("requests":10,"rps":9.5,"p50_ms":1.5,"p95_ms":2,"p99_ms":3,"max_ms":4,"status":{"200":9},)"
      R"("fallback":{"none":5,"open":4},"errors":{"reset":1}})";
  const auto tick = parse_load_line(R"({"type":"tick","t":2.25,"length_s":0.25,)" + rest);
  ASSERT_TRUE(tick) << tick.error().message;
  EXPECT_FALSE((*tick)->is_result);
  EXPECT_EQ((*tick)->t, milliseconds(2250));
  EXPECT_EQ((*tick)->length, milliseconds(250));
  EXPECT_EQ((*tick)->traffic.error_count(), 1U);
  EXPECT_EQ((*tick)->traffic.answered(), 5U);
  EXPECT_EQ((*tick)->traffic.fallbacks(), 4U);
  const auto result = parse_load_line(R"({"type":"result",)" + rest);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE((*result)->is_result);
  EXPECT_EQ((*result)->traffic.p50, std::chrono::microseconds(1500));
}

TEST(LoadLine, OtherTypesAreSkippedAndBrokenLinesAreErrors) {
  const auto other = parse_load_line(R"({"type":"note"})");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->has_value());
  const auto fault = [](const char* text) { return testing::fault_of(parse_load_line(text)); };
  EXPECT_THAT(fault("progress: 50 %"), HasSubstr("not JSON"));
  EXPECT_THAT(fault(R"({"t":1})"), HasSubstr("no usable field \"type\""));
  EXPECT_THAT(fault(R"({"type":"tick","t":1,"requests":"many"})"), HasSubstr("no usable field \"requests\""));
}

RC_GTEST_PROP(Rfc3339, WhatIsWrittenIsReadBackToTheMillisecond, ()) {
  const WallTime time(milliseconds(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000)));
  const auto read = parse_rfc3339(format_rfc3339(time));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read - time < milliseconds(1) && time - *read < milliseconds(1));
}

TEST(Rfc3339, AnythingElseIsRefused) {
  for (const char* bad : {"", "now", "2026-01-02", "2026-01-02T03:04"}) {
    EXPECT_THAT(testing::fault_of(parse_rfc3339(bad)), HasSubstr("not a time as in"));
  }
}

CircuitStatus status_with(Duration now, Duration longest) {
  CircuitStatus status;
  status.lag_now = now;
  status.sample.lag_10s = longest;
  return status;
}

TEST(LongestLag, ARisingMaximumIsTheLagItself) {
  const CircuitStatus before = status_with({}, milliseconds(5));
  const MetricsPage page;
  EXPECT_EQ(longest_lag(status_with(milliseconds(1), milliseconds(603)), &before, page, &page), milliseconds(603));
}

TEST(LongestLag, AStallThatLastsCountsWithItsAge) {
  const CircuitStatus before = status_with({}, milliseconds(600));
  const MetricsPage page;
  EXPECT_EQ(longest_lag(status_with(milliseconds(250), milliseconds(600)), &before, page, &page), milliseconds(250));
}

TEST(LongestLag, ABucketsBoundIsHeldDownByTheMaximum) {
  const std::string name = "quoll_loop_";  // the histogram's full name is quoll_loop_lag_seconds
  const auto with = [&](int count) {
    std::string text;
    for (const char* le : {"0.5", "1"}) {
      text += name + "lag_seconds_bucket{worker=\"0\",le=\"" + le + "\"} " + std::to_string(le[0] == '1' ? count : 0) +
              "\n";
    }
    return *MetricsPage::parse(text);
  };
  const CircuitStatus before = status_with({}, milliseconds(600));
  const MetricsPage old_page = with(1);
  EXPECT_EQ(longest_lag(status_with({}, milliseconds(600)), &before, with(2), &old_page), milliseconds(600));
  EXPECT_EQ(longest_lag(status_with({}, milliseconds(600)), &before, with(1), &old_page), Duration::zero());
}

}  // namespace
}  // namespace quoll::lab::demo

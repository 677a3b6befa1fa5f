#include "quoll/lab/harness/metrics_page.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace quoll::lab::harness {
namespace {

constexpr const char* kPage = R"(# HELP quoll_circuit_events_total Events
# TYPE quoll_circuit_events_total counter
quoll_circuit_events_total{circuit="default",event="success"} 12
quoll_circuit_events_total{circuit="default",event="reject"} 3
quoll_circuit_events_total{circuit="other \"x\", {y}",event="reject"} 4
quoll_circuit_state{circuit="default"} 0.5
process_open_fds 17 1700000000000
big 1.5e+06
infinite +Inf
)";

TEST(MetricsPage, ReadsNamesLabelsAndValues) {
  const auto page = MetricsPage::parse(kPage);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->samples().size(), 7U);
  EXPECT_EQ(page->sum("quoll_circuit_state"), 0.5);
  EXPECT_EQ(page->sum("process_open_fds"), 17);
  EXPECT_EQ(page->sum("big"), 1.5e6);
  EXPECT_TRUE(std::isinf(*page->sum("infinite")));
  EXPECT_EQ(page->samples()[2].labels.at("circuit"), "other \"x\", {y}");
}

TEST(MetricsPage, SumsOverTheLabelsThatWereNotAskedFor) {
  const auto page = MetricsPage::parse(kPage);
  EXPECT_EQ(page->count("quoll_circuit_events_total", {{"event", "reject"}}), 7U);
  EXPECT_EQ(page->count("quoll_circuit_events_total", {{"event", "reject"}, {"circuit", "default"}}), 3U);
  EXPECT_EQ(page->counts_by("quoll_circuit_events_total", "event"), (CountMap{{"success", 12}, {"reject", 7}}));
}

TEST(MetricsPage, WhatIsNotThereIsNothingAndCountsZero) {
  const auto page = MetricsPage::parse(kPage);
  EXPECT_EQ(page->sum("absent"), std::nullopt);
  EXPECT_EQ(page->count("absent"), 0U);
}

TEST(MetricsPage, ALineThatIsNoSampleIsAnErrorThatQuotesIt) {
  for (const char* bad : {"name", "name{a=b} 1", "name{a=\"b\" 1", "name x", "{a=\"b\"} 1"}) {
    const auto page = MetricsPage::parse(bad);
    ASSERT_FALSE(page) << bad;
    EXPECT_NE(page.error().message.find(bad), std::string::npos);
  }
}

RC_GTEST_PROP(MetricsPage, AnyBytesAreReadOrRefusedWithoutHarm, (const std::string& bytes)) {
  const auto page = MetricsPage::parse(bytes);
  if (!page) RC_ASSERT(page.error().code == "metrics");
}

std::string lag_buckets(int low, int middle, int high) {
  return "lag_bucket{worker=\"0\",le=\"0.001\"} " + std::to_string(low) + "\nlag_bucket{worker=\"0\",le=\"0.1\"} " +
         std::to_string(middle) + "\nlag_bucket{worker=\"0\",le=\"+Inf\"} " + std::to_string(high) + "\n";
}

TEST(MetricsPage, TheHighestGrownBucketIsTheFirstThatHoldsAllNewValues) {
  const auto before = MetricsPage::parse(lag_buckets(10, 12, 12));
  EXPECT_EQ(MetricsPage::parse(lag_buckets(15, 17, 17))->highest_growth("lag", *before), 0.001);
  EXPECT_EQ(MetricsPage::parse(lag_buckets(15, 18, 18))->highest_growth("lag", *before), 0.1);
  EXPECT_TRUE(std::isinf(*MetricsPage::parse(lag_buckets(15, 18, 19))->highest_growth("lag", *before)));
  EXPECT_EQ(MetricsPage::parse(lag_buckets(10, 12, 12))->highest_growth("lag", *before), std::nullopt);
}

}  // namespace
}  // namespace quoll::lab::harness

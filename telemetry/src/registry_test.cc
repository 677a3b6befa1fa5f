#include "quoll/telemetry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <thread>

#include "quoll/telemetry/log.h"
#include "quoll/telemetry/process.h"

namespace quoll::telemetry {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Registry, ExposesEachTypeInPrometheusText) {
  Registry registry;
  registry.counter("quoll_events_total", "Events.", {{"event", "open"}, {"circuit", "default"}}).add(3);
  registry.gauge("quoll_state", "State.").set(0.5);
  const std::array<Duration, 2> bounds = {milliseconds(150), milliseconds(300)};
  registry.histogram("quoll_delay_seconds", "Delay.", {{"worker", "0"}}, bounds).observe(milliseconds(200));
  registry.gauge_fn("quoll_fn", "Read at the scrape.", {}, [] { return 7.0; });
  const std::string text = registry.expose();
  EXPECT_THAT(text, HasSubstr("# HELP quoll_events_total Events.\n# TYPE quoll_events_total counter\n"
                              "quoll_events_total{circuit=\"default\",event=\"open\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("quoll_state 0.5\n"));
  EXPECT_THAT(text, HasSubstr("quoll_fn 7\n"));
  EXPECT_THAT(text, HasSubstr("quoll_delay_seconds_count{worker=\"0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("quoll_delay_seconds_sum{worker=\"0\"} 0.2\n"));
  EXPECT_THAT(text, HasSubstr("quoll_delay_seconds_bucket{worker=\"0\",le=\"0.15\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("quoll_delay_seconds_bucket{worker=\"0\",le=\"0.3\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("quoll_delay_seconds_bucket{worker=\"0\",le=\"+Inf\"} 1\n"));
}

TEST(Registry, TheSameNameAndLabelsAreTheSameObjectInAnyOrder) {
  Registry registry;
  Counter& one = registry.counter("a_total", "A.", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(&one, &registry.counter("a_total", "A.", {{"y", "2"}, {"x", "1"}}));
  EXPECT_NE(&one, &registry.counter("a_total", "A.", {{"x", "2"}, {"y", "1"}}));
}

TEST(Registry, LabelSetsThatOnlyLookAlikeWhenJoinedStayApart) {
  Registry registry;
  EXPECT_NE(&registry.counter("a_total", "A.", {{"x", "1y"}, {"y", "2"}}),
            &registry.counter("a_total", "A.", {{"x", "1"}, {"y", "y2"}}));
}

TEST(Registry, AConflictInTypeHelpOrBoundsIsABug) {
  Registry registry;
  registry.counter("a_total", "A.");
  registry.histogram("h_seconds", "H.");
  registry.gauge_fn("f", "F.", {}, [] { return 0.0; });
  EXPECT_DEATH(registry.counter("a_total", "B."), "help");
  EXPECT_DEATH(registry.gauge("h_seconds", "H."), "type");
  EXPECT_DEATH(registry.histogram("h_seconds", "H.", {{"x", "1"}}, kLagBounds), "bounds");
  EXPECT_DEATH(registry.gauge("f", "F."), "held");
  EXPECT_DEATH(registry.counter_fn("a_total", "A.", {}, [] { return 0.0; }), "Function");
}

TEST(Registry, NamesThatPrometheusRefusesAreABug) {
  Registry registry;
  EXPECT_DEATH(registry.counter("a", "A."), "is_metric_name");
  EXPECT_DEATH(registry.gauge("a_total", "A."), "is_metric_name");
  EXPECT_DEATH(registry.gauge("1a", "A."), "is_metric_name");
  EXPECT_DEATH(registry.gauge("a-b", "A."), "is_metric_name");
  EXPECT_DEATH(registry.gauge("a_sum", "A."), "is_metric_name");
  EXPECT_DEATH(registry.histogram("a_ms", "A."), "is_metric_name");
  EXPECT_DEATH(registry.gauge("a", ""), "is_help");
  EXPECT_DEATH(registry.gauge("a", "A.", {{"le", "1"}}), "is_label_name");
  EXPECT_DEATH(registry.gauge("a", "A.", {{"x", "1"}, {"x", "2"}}), "first");
}

TEST(Registry, AFullFamilySharesTheLabelValueOther) {
  Registry registry({.max_children = 3});
  for (int i = 0; i < 3; ++i) registry.counter("a_total", "A.", {{"path", std::to_string(i)}}).add();
  Counter& fourth = registry.counter("a_total", "A.", {{"path", "3"}});
  fourth.add();
  EXPECT_EQ(&fourth, &registry.counter("a_total", "A.", {{"path", "4"}}));
  registry.counter("a_total", "A.", {{"path", "1"}}).add();
  const std::string text = registry.expose();
  EXPECT_THAT(text, HasSubstr("a_total{path=\"other\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("a_total{path=\"1\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("path=\"3\"")));
  EXPECT_THAT(text, HasSubstr("quoll_metrics_overflow_total 2\n"));
}

TEST(Registry, AFullFamilyDropsAFunctionAndSaysSo) {
  Registry registry({.max_children = 1});
  const auto one = [] { return 1.0; };
  registry.gauge_fn("a", "A.", {{"x", "1"}}, one);
  registry.gauge_fn("a", "A.", {{"x", "2"}}, one);
  registry.gauge_fn("a", "A.", {{"x", "1"}}, [] { return 5.0; });
  const std::string text = registry.expose();
  EXPECT_THAT(text, HasSubstr("a{x=\"1\"} 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("x=\"2\"")));
  EXPECT_THAT(text, HasSubstr("quoll_metrics_overflow_total 1\n"));
}

TEST(Registry, ALabelValueFromAPeerCannotBreakTheText) {
  Registry registry;
  using std::string_literals::operator""s;
  const std::string evil = "a\"b\\c\nd\0e\xFF\xC3\xA9"s + std::string(1000, 'x');
  registry.counter("a_total", "A.", {{"method", evil}}).add();
  const std::string text = registry.expose();
  EXPECT_THAT(text, HasSubstr("a_total{method=\"a\\\"b\\\\c?d?e?\xC3\xA9xxx"));
  EXPECT_LT(text.size(), 1000U);
}

TEST(Registry, AFunctionMayUseTheRegistryThatCallsIt) {
  Registry registry;
  registry.gauge_fn("a", "A.", {},
                    [&registry] { return static_cast<double>(registry.counter("b_total", "B.").value()); });
  registry.counter("b_total", "B.").add(4);
  EXPECT_THAT(registry.expose(), HasSubstr("\na 4\n"));
}

TEST(Registry, RotatesTheMaximumOfEveryHistogram) {
  Registry registry;
  DurationHistogram& histogram = registry.histogram("h_seconds", "H.");
  histogram.observe(milliseconds(5));
  for (std::size_t i = 0; i <= DurationHistogram::kMaxSlots; ++i) registry.rotate_maxima();
  EXPECT_EQ(histogram.recent_max(), Duration::zero());
}

TEST(Registry, ASamplerReadsAFamilyWithoutParsingText) {
  Registry registry;
  registry.counter("a_total", "A.", {{"x", "1"}}).add(2);
  registry.counter_fn("a_total", "A.", {{"x", "2"}}, [] { return 3.5; });
  EXPECT_EQ(registry.counter_sum("a_total"), 5.5);
  EXPECT_EQ(registry.counter_sum("b_total"), 0);
  DurationHistogram& made = registry.histogram("h_seconds", "H.", {{"x", "1"}});
  const auto found = registry.histograms("h_seconds");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].histogram, &made);
  EXPECT_EQ(found[0].labels, (Labels{{"x", "1"}}));
  EXPECT_TRUE(registry.histograms("a_total").empty());
}

TEST(Registry, ThreadsMayCreateCountAndExposeAtOnce) {
  Registry registry({.max_children = 64});
  const auto work = [&] {
    for (int i = 0; i < 2000; ++i) {
      registry.counter("a_total", "A.", {{"x", std::to_string(i % 100)}}).add();
      registry.histogram("h_seconds", "H.", {{"x", std::to_string(i % 10)}}).observe(milliseconds(i));
      registry.gauge_fn("f", "F.", {}, [i] { return static_cast<double>(i); });
    }
  };
  std::thread a(work);
  std::thread b(work);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(registry.expose().empty());
    registry.rotate_maxima();
  }
  a.join();
  b.join();
  std::uint64_t total = registry.counter("a_total", "A.", {{"x", "other"}}).value();
  for (int i = 0; i < 64; ++i) total += registry.counter("a_total", "A.", {{"x", std::to_string(i)}}).value();
  EXPECT_EQ(total, 4000U);
}

TEST(Process, StatsOfThisProcessArePlausible) {
  const auto stats = read_process_stats();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_GT(stats->cpu, Duration::zero());
  EXPECT_GT(stats->resident_bytes, 1'000'000U);
  EXPECT_GT(stats->virtual_bytes, stats->resident_bytes);
  EXPECT_GE(stats->threads, 1U);
  EXPECT_LE(stats->started_at, wall_now() + std::chrono::seconds(2));
  EXPECT_GT(stats->started_at, wall_now() - std::chrono::hours(1));
}

TEST(Process, AnOpenedDescriptorIsCounted) {
  const auto before = count_open_fds();
  std::FILE* file = std::tmpfile();
  const auto after = count_open_fds();
  std::fclose(file);
  ASSERT_TRUE(before);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, *before + 1);
}

TEST(Process, EveryMetricOfTheProcessIsExposedWithAValue) {
  Registry registry;
  register_process_metrics(registry);
  register_build_info(registry, "1.2.3");
  const std::string text = registry.expose();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
                           "process_open_fds", "process_max_fds", "process_threads", "process_start_time_seconds"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + " ")) << name;
  }
  EXPECT_THAT(text, Not(HasSubstr(" Nan")));
  EXPECT_THAT(text, HasSubstr("quoll_build_info{version=\"1.2.3\"} 1\n"));
}

// Prometheus' own linter, on everything this module can print.
TEST(Registry, PromtoolFindsNoFault) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
  Registry registry;
  register_process_metrics(registry);
  register_build_info(registry, "1.2.3");
  const Log log;
  register_log_metrics(registry, log);
  registry.counter("quoll_circuit_events_total", "Breaker events.", {{"event", "a\"b\\c\xFFq"}}).add();
  registry.gauge("quoll_circuit_state", "State.").set(std::numeric_limits<double>::infinity());
  registry.histogram("http_server_request_duration_seconds", "Latency.", {{"route", "/"}}).observe(milliseconds(3));
  std::FILE* promtool = popen("promtool check metrics 2>&1", "w");  // its complaints go to this test's output
  ASSERT_NE(promtool, nullptr);
  const std::string text = registry.expose();
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
  EXPECT_EQ(pclose(promtool), 0) << text;
}

}  // namespace
}  // namespace quoll::telemetry

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "quoll/lab/experiments/live_view.h"
#include "quoll/lab/experiments/report_html.h"
#include "quoll/lab/experiments/text.h"
#include "quoll/lab/experiments/text_report.h"
#include "test_run.h"

namespace quoll::lab::experiments {
namespace {

using samples::kSecond;
using samples::small_run;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool has(const std::string& text, std::string_view wanted) {
  return text.find(wanted) != std::string::npos;
}

TEST(Text, NumbersAndTimesReadWell) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(clock_text(std::chrono::milliseconds(83'450)), "01:23.4");
}

TEST(Text, WidthsCountCharactersNotBytes) {
  EXPECT_EQ(width_of("▁█…"), 3U);
  EXPECT_EQ(clip("▁▂▃▄", 3), "▁▂…");
  EXPECT_EQ(clip("abc", 3), "abc");
  EXPECT_EQ(clip("abc", 0), "");
  EXPECT_EQ(pad_left("▁", 3), "  ▁");
}

TEST(Text, AnyValueAboveNothingIsVisible) {
  EXPECT_EQ(bar(0, 10), " ");
  EXPECT_EQ(bar(1e-9, 10), "▁");
  EXPECT_EQ(bar(10, 10), "█");
  EXPECT_EQ(bar(99, 10), "█");
  EXPECT_EQ(bar(1, 0), " ");
}

RC_GTEST_PROP(LiveView, FitsAnyScreen, ()) {
  const Screen screen{.columns = *rc::gen::inRange<std::size_t>(1, 250),
                      .rows = *rc::gen::inRange<std::size_t>(1, 80),
                      .colours = false};
  RunRecord run = small_run();
  if (*rc::gen::arbitrary<bool>()) run = RunRecord{};
  const auto lines = draw(run, std::chrono::milliseconds(*rc::gen::inRange(0, 200'000)), screen);
  RC_ASSERT(lines.size() <= screen.rows);
  for (const std::string& line : lines) RC_ASSERT(width_of(line) <= screen.columns);
}

TEST(LiveView, EightyByTwentyFourShowsStateRatesLatencyLagAndEvents) {
  const std::string screen = joined(draw(small_run(), 4 * kSecond, {.columns = 80, .rows = 24, .colours = false}));
  for (const char* wanted : {"phase outage", "open for", "50/s", "timeout 4 %", "p50 60", "max 501", "loop lag",
                             "backend answers 503", "opened: 6 of 10 calls failed"}) {
    EXPECT_TRUE(has(screen, wanted)) << wanted << "\n" << screen;
  }
}

TEST(LiveView, ColoursAreLeftOutWhereTheyAreNotWanted) {
  EXPECT_FALSE(has(joined(draw(small_run(), 4 * kSecond, {.colours = false})), "\x1b"));
  EXPECT_TRUE(has(joined(draw(small_run(), 4 * kSecond, {.colours = true})), "\x1b[31m"));
}

TEST(PlainView, TellsEachThingOnceAndInOrder) {
  PlainView view;
  const RunRecord run = small_run();
  const std::string news = joined(view.news(run));
  EXPECT_LT(news.find("phase calm"), news.find("phase outage"));
  EXPECT_LT(news.find("phase outage"), news.find("circuit closed -> open"));
  EXPECT_TRUE(has(news, "answered 60, open 30, timeout 4, error 6")) << news;
  EXPECT_TRUE(view.news(run).empty());
}

TEST(TextReport, FitsEightyColumnsAndShowsTheChecks) {
  const std::vector<std::string> lines = text_report(small_run(), false);
  for (const std::string& line : lines) EXPECT_LE(width_of(line), 80U) << line;
  const std::string text = joined(lines);
  EXPECT_TRUE(has(text, "PASS  outage: the circuit opened")) << text;
  EXPECT_TRUE(has(text, "in each phase by itself: 2 of 2")) << text;
  EXPECT_FALSE(has(text, "FAIL")) << text;
}

TEST(TextReport, AMismatchNamesThePhase) {
  RunRecord run = small_run();
  run.phases[1].counters.events["reject"] = 29;
  summarise(run);
  const std::string text = joined(text_report(run, false));
  EXPECT_TRUE(has(text, "FAIL  in phase outage: rejected")) << text;
  EXPECT_TRUE(has(text, "1 of 2")) << text;
}

TEST(TextReport, AnInterruptedRunIsNotCalledAFailure) {
  RunRecord run = small_run();
  run.interrupted = true;
  run.phases[1].complete = false;
  summarise(run);
  const std::string text = joined(text_report(run, false));
  EXPECT_TRUE(has(text, "Interrupted")) << text;
  EXPECT_FALSE(has(text, "FAIL")) << text;
}

TEST(Html, NothingInTheResultCanEndItsBlock) {
  RunRecord run = small_run();
  run.changes[0].text = "</script><script>alert(1)</script><!--";
  const std::string page = lab_page(to_json(run));
  EXPECT_FALSE(has(page, "alert(1)</script>"));
  EXPECT_FALSE(has(page, "<!--"));
  EXPECT_TRUE(has(page, "\\u003c/script>"));
}

TEST(Html, ThePageAsksForNothing) {
  const std::string page = lab_page(to_json(small_run()));
  EXPECT_TRUE(has(page, "default-src 'none'"));
  for (const char* outside : {"src=\"http", "href=\"http", "@import", "fetch(", "XMLHttpRequest", "url(http"}) {
    EXPECT_FALSE(has(page, outside)) << outside;
  }
}

TEST(Html, AFileThatCannotBeWrittenIsAnErrorThatNamesIt) {
  const auto written = write_file("/nonexistent/report.html", "x");
  ASSERT_FALSE(written);
  EXPECT_TRUE(has(written.error().message, "/nonexistent/report.html")) << written.error().message;
}

}  // namespace
}  // namespace quoll::lab::experiments

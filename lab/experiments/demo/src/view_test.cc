#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "quoll/lab/demo/live_view.h"
#include "quoll/lab/demo/text_report.h"
#include "quoll/lab/harness/text.h"
#include "test_run.h"

namespace quoll::lab::demo {

using harness::width_of;
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
  const std::string report = page(run);
  EXPECT_FALSE(has(report, "alert(1)</script>"));
  EXPECT_FALSE(has(report, "<!--"));
  EXPECT_TRUE(has(report, "\\u003c/script>"));
}

TEST(Html, ThePageAsksForNothing) {
  const std::string report = page(small_run());
  EXPECT_TRUE(has(report, "default-src 'none'"));
  for (const char* outside : {"src=\"http", "href=\"http", "@import", "fetch(", "XMLHttpRequest", "url(http"}) {
    EXPECT_FALSE(has(report, outside)) << outside;
  }
}

}  // namespace
}  // namespace quoll::lab::demo

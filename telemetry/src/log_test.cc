#include "quoll/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "log_format.h"
#include "quoll/telemetry/log_limiter.h"
#include "quoll/telemetry/registry.h"
#include "quoll/testing/manual_clock.h"
#include "utf8.h"

namespace quoll::telemetry {
namespace {

using internal::LogLine;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const WallTime kWall{milliseconds(1'795'467'211'123)};

std::string json(const LogLine& line) {
  fmt::memory_buffer out;
  internal::format_json(out, line);
  return fmt::to_string(out);
}

std::string text(const LogLine& line) {
  fmt::memory_buffer out;
  internal::format_text(out, line);
  return fmt::to_string(out);
}

// What a Log wrote, complete once the Log is gone.
std::vector<std::string> lines_of(LogOptions options, const std::function<void(Log&)>& use) {
  std::vector<std::string> lines;
  options.sink = [&lines](std::string_view line) { lines.emplace_back(line); };
  {
    Log log(options);
    use(log);
  }
  return lines;
}

TEST(LogFormat, AJsonLineHasTimeLevelEventAndFieldsOfEachType) {
  const std::vector<Field> fields = {{"circuit", "default"},
                                     {"failure_rate", 60.0},
                                     {"calls", 12U},
                                     {"delta", -3},
                                     {"forced", true},
                                     {"after", milliseconds(1500)},
                                     {"nothing", std::string()},
                                     Field::json("window", "[1,2]")};
  EXPECT_EQ(json({LogLevel::info, "circuit_open", fields, nullptr, kWall, 0}),
            R"({"ts":"2026-11-23T20:53:31.123Z","level":"info","event":"circuit_open","circuit":"default",)"
            R"("failure_rate":60,"calls":12,"delta":-3,"forced":true,"after":1.5,"nothing":"","window":[1,2]})");
}

TEST(LogFormat, NotANumberIsNull) {
  const std::vector<Field> fields = {{"a", std::numeric_limits<double>::quiet_NaN()},
                                     {"b", std::numeric_limits<double>::infinity()}};
  EXPECT_THAT(json({LogLevel::info, "e", fields, nullptr, kWall, 0}), HasSubstr(R"("a":null,"b":null})"));
}

TEST(LogFormat, NothingFromAPeerBreaksTheLineOrReachesTheTerminalRaw) {
  using std::string_literals::operator""s;
  const std::string evil = "\"\\\n\t\0\x1B[31m\x7F\xFF\xED\xA0\x80\xC3\xA9"s;
  const std::vector<Field> fields = {{"path", evil}};
  const std::string expected = "\"\\\"\\\\\\n\\t\\u0000\\u001b[31m\\u007f????\xC3\xA9\"";
  EXPECT_THAT(json({LogLevel::warn, "e", fields, nullptr, kWall, 0}), HasSubstr("\"path\":" + expected + "}"));
  EXPECT_THAT(text({LogLevel::warn, "e", fields, nullptr, kWall, 0}), HasSubstr(" path=" + expected));
}

TEST(LogFormat, ALongFieldIsCutAndSaysSo) {
  const std::string longest(Log::kMaxFieldBytes, 'x');
  const std::string longer = longest + "y";
  const std::vector<Field> fields = {{"a", longest}, {"b", longer}};
  EXPECT_THAT(json({LogLevel::info, "e", fields, nullptr, kWall, 0}),
              HasSubstr("\"a\":\"" + longest + "\",\"b\":\"" + longest + "...\"}"));
}

TEST(LogFormat, ATraceAndSuppressedLinesAreNamed) {
  TraceContext trace;
  trace.trace_id[15] = 0xAB;
  trace.span_id[0] = 1;
  EXPECT_THAT(
      json({LogLevel::error, "e", {}, &trace, kWall, 17}),
      HasSubstr(R"("trace_id":"000000000000000000000000000000ab","span_id":"0100000000000000","suppressed":17})"));
}

TEST(LogFormat, TextIsForPeople) {
  const std::vector<Field> fields = {{"circuit", "default"}, {"why", "too slow"}, {"rate", 60.5}};
  EXPECT_EQ(text({LogLevel::warn, "circuit_open", fields, nullptr, kWall, 0}),
            "2026-11-23T20:53:31.123Z warn  circuit_open circuit=default why=\"too slow\" rate=60.5");
}

TEST(LogLimiter, ABurstPassesThenTheRate) {
  testing::ManualClock clock;
  LogLimiter limiter(3, 5);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.admit("e", clock.now()), 0U);
  EXPECT_FALSE(limiter.admit("e", clock.now()));
  EXPECT_FALSE(limiter.admit("e", clock.advance(milliseconds(199))));
  EXPECT_EQ(limiter.admit("e", clock.advance(milliseconds(1))), 2U);
  EXPECT_FALSE(limiter.admit("e", clock.now()));
  EXPECT_EQ(limiter.suppressed(), 3U);
}

TEST(LogLimiter, EventsDoNotTakeEachOthersTokens) {
  testing::ManualClock clock;
  LogLimiter limiter(1, 0);
  EXPECT_TRUE(limiter.admit("a", clock.now()));
  EXPECT_TRUE(limiter.admit("b", clock.now()));
  EXPECT_FALSE(limiter.admit("a", clock.now()));
}

TEST(LogLimiter, WhatFellSilentIsReportedOnce) {
  testing::ManualClock clock;
  LogLimiter limiter(1, 0);
  for (int i = 0; i < 4; ++i) limiter.admit("a", clock.now());
  EXPECT_THAT(limiter.take_suppressed(), ElementsAre(std::pair<std::string, std::uint64_t>("a", 3)));
  EXPECT_THAT(limiter.take_suppressed(), SizeIs(0));
}

TEST(LogLimiter, ManyKeysShareABucketInTheEnd) {
  testing::ManualClock clock;
  LogLimiter limiter(1, 0);
  int admitted = 0;
  for (std::size_t i = 0; i < 2 * LogLimiter::kMaxKeys; ++i) {
    admitted += limiter.admit(std::to_string(i), clock.now()) ? 1 : 0;
  }
  EXPECT_EQ(admitted, static_cast<int>(LogLimiter::kMaxKeys) + 1);
}

TEST(LogLimiter, TimeThatStandsStillOrGoesBackGivesNoTokensAndTakesNone) {
  testing::ManualClock clock;
  LogLimiter limiter(2, 1000);
  EXPECT_TRUE(limiter.admit("a", clock.now()));
  EXPECT_TRUE(limiter.admit("a", clock.now() - seconds(10)));
  EXPECT_FALSE(limiter.admit("a", clock.now() - seconds(10)));
  EXPECT_FALSE(limiter.admit("a", clock.now()));
}

TEST(Log, WritesEventsFromTheLevelUp) {
  const auto lines = lines_of({.level = LogLevel::warn}, [](Log& log) {
    log.info("quiet");
    log.warn("loud", {{"circuit", "default"}, {"failure_rate", 60.0}});
    log.set_level(LogLevel::off);
    log.error("off");
    log.set_level(LogLevel::debug);
    log.debug("found");
  });
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0], HasSubstr(R"("level":"warn","event":"loud","circuit":"default","failure_rate":60})"));
  EXPECT_THAT(lines[1], HasSubstr(R"("event":"found")"));
}

TEST(Log, AFloodOfOneEventIsCountedNotWritten) {
  const TimePoint now = testing::ManualClock().now();
  const auto lines = lines_of({.burst = 2, .per_second = 1}, [&](Log& log) {
    for (int i = 0; i < 100; ++i) log.write_at(LogLevel::warn, "upstream_failed", {}, nullptr, now, kWall);
    log.write_at(LogLevel::warn, "upstream_failed", {}, nullptr, now + seconds(1), kWall);
    log.write_at(LogLevel::warn, "upstream_failed", {}, nullptr, now + seconds(1), kWall);
    EXPECT_EQ(log.suppressed(), 99U);
  });
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_THAT(lines[2], HasSubstr(R"("suppressed":98})"));
  EXPECT_THAT(lines[3], HasSubstr(R"("event":"log_suppressed","of":"upstream_failed","count":1})"));
}

TEST(Log, GoesToStderrAsJsonLinesWhenThatIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  {
    Log log;
    log.info("started", {{"port", 3000}});
    log.warn("odd");
  }
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, ::testing::MatchesRegex("\\{\"ts\":\"[-0-9T:.]*Z\",\"level\":\"info\",\"event\":\"started\","
                                               "\"port\":3000\\}\n\\{\"ts\":[^{}]*\"event\":\"odd\"\\}\n"));
}

TEST(Log, WhatItLosesIsAMetric) {
  lines_of({.burst = 1, .per_second = 0}, [](Log& log) {
    Registry registry;
    register_log_metrics(registry, log);
    for (int i = 0; i < 5; ++i) log.info("e");
    EXPECT_THAT(registry.expose(), HasSubstr("quoll_log_lost_lines_total{reason=\"rate_limit\"} 4\n"));
    EXPECT_THAT(registry.expose(), HasSubstr("quoll_log_lost_lines_total{reason=\"queue_full\"} 0\n"));
  });
}

TEST(Log, ACallerNeverWaitsForAStuckWriterAndTheLossIsCounted) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> written{0};
  LogOptions options{.queue = 16, .burst = 0};
  options.sink = [&](std::string_view) {
    released.wait();
    ++written;
  };
  std::uint64_t dropped = 0;
  {
    Log log(options);
    for (int i = 0; i < 1000; ++i) log.info("flood", {{"i", i}});
    dropped = log.dropped();
    release.set_value();
  }
  EXPECT_GE(dropped, 1000U - 16 - 2);
  EXPECT_EQ(dropped + static_cast<std::uint64_t>(written), 1000U);
}

TEST(Log, LinesOfSeveralThreadsComeWholeAndInEachThreadsOrder) {
  const auto lines = lines_of({.queue = 8192, .burst = 0}, [](Log& log) {
    const auto work = [&log](int id) {
      for (int i = 0; i < 1000; ++i) log.info("e", {{"thread", id}, {"i", i}});
    };
    std::thread a(work, 0);
    std::thread b(work, 1);
    a.join();
    b.join();
  });
  ASSERT_THAT(lines, SizeIs(2000));
  std::array<int, 2> next = {0, 0};
  for (const std::string& line : lines) {
    const std::size_t id = line.find("\"thread\":0") != std::string::npos ? 0 : 1;
    ASSERT_THAT(line, ::testing::EndsWith("\"i\":" + std::to_string(next.at(id)++) + "}"));
  }
}

TEST(LogOptions, EveryFaultIsNamed) {
  EXPECT_TRUE(LogOptions{}.validate().empty());
  EXPECT_THAT((LogOptions{.queue = 1, .burst = 0.5, .per_second = -1}).validate(), SizeIs(3));
}

TEST(LogLevel, IsReadBackAsWritten) {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error, LogLevel::off}) {
    const auto read = parse_log_level(to_string(level));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, level);
  }
  EXPECT_THAT(parse_log_level("loud").error().message, HasSubstr("'loud'"));
}

TEST(Utf8, WellFormedSequencesPassAndOthersBecomeQuestionMarks) {
  const auto all = [](std::string_view s) { return internal::printable_utf8(s, 100); };
  EXPECT_EQ(all("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\xBE"), "h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\xBE");
  EXPECT_EQ(all("\xC0\xAF"), "??");            // overlong
  EXPECT_EQ(all("\xE0\x80\xAF"), "???");       // overlong
  EXPECT_EQ(all("\xF4\x90\x80\x80"), "????");  // past U+10FFFF
  EXPECT_EQ(all("a\xE2\x82"), "a??");          // cut short
  EXPECT_EQ(internal::printable_utf8("a\xE2\x82\xAC", 3), "a");
}

}  // namespace
}  // namespace quoll::telemetry

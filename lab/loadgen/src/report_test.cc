// The forms of a report, the request log and the options' faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "quoll/lab/loadgen/options.h"
#include "quoll/lab/loadgen/report.h"
#include "quoll/testing/result.h"
#include "request_log.h"
#include "response_reader.h"
#include "target.h"

namespace quoll::lab::loadgen {
namespace {

using ::testing::HasSubstr;

using std::chrono::milliseconds;

Stats sample() {
  Stats stats;
  for (int i = 1; i <= 100; ++i) stats.latency.record(milliseconds(i));
  stats.status[200] = 90;
  stats.status[503] = 10;
  stats.fallback = {95, 5, 0, 0, 0};
  stats.errors[static_cast<std::size_t>(ErrorKind::timeout)] = 3;
  return stats;
}

TEST(ReportJson, ATickSaysWhatItsReadersExpect) {
  Tick tick;
  tick.end = std::chrono::seconds(1);
  tick.length = std::chrono::seconds(1);
  tick.stats = sample();
  const boost::json::object json = boost::json::parse(to_json(tick)).as_object();
  EXPECT_EQ(json.at("type").as_string(), "tick");
  EXPECT_EQ(json.at("t").as_double(), 1.0);
  EXPECT_EQ(json.at("requests").to_number<int>(), 103);
  EXPECT_EQ(json.at("rps").as_double(), 100.0);
  EXPECT_NEAR(json.at("p50_ms").as_double(), 50, 0.5);
  EXPECT_NEAR(json.at("max_ms").as_double(), 100, 0.001);
  EXPECT_EQ(boost::json::serialize(json.at("status")), R"({"200":90,"503":10})");
  EXPECT_EQ(boost::json::serialize(json.at("fallback")), R"({"open":5,"timeout":0,"error":0,"none":95})");
  EXPECT_EQ(boost::json::serialize(json.at("errors")), R"({"timeout":3})");
}

TEST(ReportJson, AResultHasEveryPercentileAndQuotesItsText) {
  Report report;
  report.url = "http://127.0.0.1/?a=\"b\"";
  report.mode = "closed";
  report.duration = std::chrono::seconds(2);
  report.seed = 42;
  report.stats = sample();
  report.error_examples[2] = "a \"quote\"\n";
  const boost::json::object json = boost::json::parse(to_json(report)).as_object();
  EXPECT_EQ(json.at("type").as_string(), "result");
  EXPECT_EQ(json.at("url").as_string(), report.url);
  for (const char* key : {"p50_ms", "p75_ms", "p90_ms", "p95_ms", "p99_ms", "p99_9_ms", "p99_99_ms", "max_ms",
                          "mean_ms", "stddev_ms", "duration_s", "bytes", "rps"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json.at("seed").to_number<int>(), 42);
  EXPECT_EQ(json.at("rps").as_double(), 50.0);
}

TEST(ReportText, NamesEachKindOfErrorWithAnExample) {
  Report report;
  report.stats = sample();
  report.duration = std::chrono::seconds(1);
  report.error_examples[static_cast<std::size_t>(ErrorKind::timeout)] = "no whole answer within 5s";
  EXPECT_THAT(to_text(report), ::testing::HasSubstr("timeout: 3 (2.91 %)  first: no whole answer within 5s"));
  EXPECT_THAT(to_text(report), ::testing::HasSubstr("503: 10"));
}

TEST(Hdr, HasTheFormThatPlottersRead) {
  Histogram latency;
  latency.record(milliseconds(1));
  const std::string text = to_hdr(latency);
  EXPECT_EQ(text,
            "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 1.000000000000          1\n"
            "#[Mean    =        1.000, StdDeviation   =        0.000]\n"
            "#[Max     =        1.000, Total count    =            1]\n"
            "#[Buckets =           15, SubBuckets     =          128]\n");
}

RC_GTEST_PROP(Hdr, LinesRiseToTheMaximumAndTheWholeCount, (const std::vector<std::uint32_t>& values)) {
  Histogram latency;
  for (const std::uint32_t value : values) latency.record(value);
  std::istringstream lines(to_hdr(latency));
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  double value = -1;
  double percentile = -1;
  std::uint64_t count = 0;
  while (std::getline(lines, line) && line[0] != '#') {
    std::istringstream fields(line);
    double next_value = 0;
    double next_percentile = 0;
    std::uint64_t next_count = 0;
    fields >> next_value >> next_percentile >> next_count;
    RC_ASSERT(!fields.fail());
    RC_ASSERT(next_value >= value && next_percentile > percentile && next_count >= count);
    RC_ASSERT(static_cast<double>(next_count) + 1e-6 >= next_percentile * static_cast<double>(values.size()));
    value = next_value;
    percentile = next_percentile;
    count = next_count;
  }
  RC_ASSERT(count == values.size());
  if (!values.empty()) RC_ASSERT(percentile == 1.0);
}

TEST(RequestLog, WritesALineForEachAndLeavesEmptyWhatDidNotHappen) {
  const auto path = std::filesystem::temp_directory_path() / ("quoll-log-" + std::to_string(getpid()) + ".csv");
  auto log = RequestLog::create(path, "p");
  ASSERT_TRUE(log);
  const auto at = [](int ns) { return TimePoint(Duration(ns)); };
  log->write({{1, 3, at(10), at(11), at(12), at(13), 200, Fallback::open, {}},
              {2, 0, at(20), {}, {}, at(25), 0, Fallback::none, ErrorKind::unsent}});
  ASSERT_TRUE(log->close());
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  EXPECT_EQ(text,
            "id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error\n"
            "p-000001,3,10,11,12,13,200,open,\n"
            "p-000002,,20,,,25,,,unsent\n");
}

TEST(RequestLog, AFileThatCannotBeMadeIsAnErrorThatNamesIt) {
  const auto log = RequestLog::create("/nowhere/at/all.csv", "");
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, ::testing::HasSubstr("/nowhere/at/all.csv"));
}

RC_GTEST_PROP(ResponseReader, TheSplitOfTheBytesMakesNoDifference, ()) {
  const std::string answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nQuoll-Fallback: error\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  ResponseReader reader;
  http::ResponseHead head;
  reader.start();
  std::size_t at = 0;
  auto step = ResponseReader::Step::more;
  while (at < answer.size()) {
    RC_ASSERT(step == ResponseReader::Step::more);
    const auto length = std::min<std::size_t>(answer.size() - at, *rc::gen::inRange<std::size_t>(1, 60));
    std::size_t used = 0;
    step = reader.feed({answer.data() + at, length}, "GET", head, used);
    RC_ASSERT(used == length);
    at += length;
  }
  RC_ASSERT(step == ResponseReader::Step::complete);
  RC_ASSERT(reader.status() == 202U);
  RC_ASSERT(reader.fallback() == Fallback::error);
  RC_ASSERT(reader.keep_alive());
}

TEST(Options, EveryFaultIsNamed) {
  Options options;
  options.url = "http://10.0.0.1/";
  options.threads = 100;
  options.timeout = {};
  options.poisson = true;
  options.method = "GET /";
  options.headers = {{"Content-Length", "3"}, {"X", "a\r\nb"}};
  EXPECT_EQ(options.validate().size(), 8U) << ::testing::PrintToString(options.validate());
  Options fine;
  fine.url = "http://localhost:3000/api/data";
  EXPECT_TRUE(fine.validate().empty());
}

TEST(Target, OnlyThisMachineIsLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "::1"}) EXPECT_TRUE(names_loopback(host)) << host;
  for (const char* host :
       {"example.org", "10.0.0.1", "128.0.0.1", "::2", "localhost.example.org", "127.0.0.1.nip.io"}) {
    EXPECT_FALSE(names_loopback(host)) << host;
  }
}

TEST(Target, IsTakenApartFromTheUrl) {
  const auto target = parse_target("http://[::1]:8080/a?b=c");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->host, "::1");
  EXPECT_EQ(target->port, "8080");
  EXPECT_EQ(target->host_header, "[::1]:8080");
  EXPECT_EQ(target->path, "/a?b=c");
  EXPECT_EQ(parse_target("http://localhost")->path, "/");
  EXPECT_EQ(parse_target("http://localhost?x")->path, "/?x");
  const struct {
    const char* url;
    const char* why;
  } bad[] = {{"localhost:3000", "only http is spoken"},
             {"https://localhost/", "only http is spoken"},
             {"http://", "no host"},
             {"http://u:p@localhost/", "user information is not sent"},
             {"http://localhost:0/", "the port must be 1 to 65535"},
             {"http://localhost:99999/", "the port must be 1 to 65535"},
             {"http://localhost/#part", "a fragment is never sent"},
             {"", "not a URL"}};
  for (const auto& [url, why] : bad) EXPECT_THAT(testing::fault_of(parse_target(url)), HasSubstr(why)) << url;
}

}  // namespace
}  // namespace quoll::lab::loadgen

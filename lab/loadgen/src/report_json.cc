// The machine's form of ticks and reports: one line of JSON each.
//
// Written with fmt: Boost.JSON prints numbers in a form (1.5E0) that is right and that nobody likes to read.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <iterator>

#include "quoll/lab/loadgen/report.h"

namespace quoll::lab::loadgen {

namespace {

using Out = std::back_insert_iterator<std::string>;

double millis(std::uint64_t nanos) {
  return static_cast<double>(nanos) / 1e6;
}

std::string quoted(const std::string& text) {
  return boost::json::serialize(boost::json::string_view(text));
}

void append_errors(Out out, const Stats& stats) {
  fmt::format_to(out, "\"errors\":{{");
  const char* comma = "";
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    if (stats.errors[i] == 0) continue;
    fmt::format_to(out, "{}\"{}\":{}", comma, to_string(static_cast<ErrorKind>(i)), stats.errors[i]);
    comma = ",";
  }
  fmt::format_to(out, "}}");
}

// "status":{...},"fallback":{...},"errors":{...}
void append_counts(Out out, const Stats& stats) {
  fmt::format_to(out, "\"status\":{{");
  const char* comma = "";
  for (std::size_t code = 0; code < Stats::kStatuses; ++code) {
    if (stats.status[code] == 0) continue;
    fmt::format_to(out, "{}\"{}\":{}", comma, code, stats.status[code]);
    comma = ",";
  }
  fmt::format_to(out, "}},\"fallback\":{{");
  comma = "";
  for (const Fallback one : {Fallback::open, Fallback::timeout, Fallback::error, Fallback::other, Fallback::none}) {
    const std::uint64_t count = stats.fallback[static_cast<std::size_t>(one)];
    if (one == Fallback::other && count == 0) continue;
    fmt::format_to(out, "{}\"{}\":{}", comma, to_string(one), count);
    comma = ",";
  }
  fmt::format_to(out, "}},");
  append_errors(out, stats);
}

}  // namespace

std::string to_json(const Tick& tick) {
  const Stats& stats = tick.stats;
  std::string text;
  const Out out = std::back_inserter(text);
  fmt::format_to(out,
                 "{{\"type\":\"tick\",\"t\":{:.3f},\"length_s\":{:.3f},\"requests\":{},\"responses\":{},\"rps\":{:.1f},"
                 "\"p50_ms\":{:.3f},\"p95_ms\":{:.3f},\"p99_ms\":{:.3f},\"max_ms\":{:.3f},",
                 to_seconds(tick.end), to_seconds(tick.length), stats.requests(), stats.responses(),
                 static_cast<double>(stats.responses()) / to_seconds(tick.length), millis(stats.latency.percentile(50)),
                 millis(stats.latency.percentile(95)), millis(stats.latency.percentile(99)),
                 millis(stats.latency.max()));
  append_counts(out, stats);
  if (tick.warm_up) text += ",\"warm_up\":true";
  text += "}";
  return text;
}

std::string to_json(const Report& report) {
  const Stats& stats = report.stats;
  std::string text;
  const Out out = std::back_inserter(text);
  fmt::format_to(out,
                 "{{\"type\":\"result\",\"url\":{},\"mode\":\"{}\",\"connections\":{},\"threads\":{},\"rate\":{:.3f},"
                 "\"seed\":{},\"duration_s\":{:.6f},\"stopped\":{},\"requests\":{},\"responses\":{},\"succeeded\":{},"
                 "\"rps\":{:.1f},\"bytes\":{},\"connections_opened\":{},\"warm_up_requests\":{},",
                 quoted(report.url), report.mode, report.connections, report.threads, report.rate, report.seed,
                 to_seconds(report.duration), report.stopped, stats.requests(), stats.responses(), stats.succeeded(),
                 report.responses_per_second(), stats.bytes_received, stats.connections_opened,
                 report.warm_up_requests);
  if (report.mode == "idle") fmt::format_to(out, "\"open\":{},", report.idle_open);
  for (const double p : {50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99}) {
    std::string name = fmt::format("{:g}", p);
    if (const auto dot = name.find('.'); dot != std::string::npos) name[dot] = '_';
    fmt::format_to(out, "\"p{}_ms\":{:.3f},", name, millis(stats.latency.percentile(p)));
  }
  fmt::format_to(out,
                 "\"min_ms\":{:.3f},\"max_ms\":{:.3f},\"mean_ms\":{:.3f},\"stddev_ms\":{:.3f},"
                 "\"own_delay_max_ms\":{:.3f},",
                 millis(stats.latency.min()), millis(stats.latency.max()), stats.latency.mean() / 1e6,
                 stats.latency.stddev() / 1e6, to_millis(stats.own_delay_max));
  append_counts(out, stats);
  fmt::format_to(out, ",\"error_examples\":{{");
  const char* comma = "";
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    if (report.error_examples[i].empty()) continue;
    fmt::format_to(out, "{}\"{}\":{}", comma, to_string(static_cast<ErrorKind>(i)), quoted(report.error_examples[i]));
    comma = ",";
  }
  text += "}}";
  return text;
}

}  // namespace quoll::lab::loadgen

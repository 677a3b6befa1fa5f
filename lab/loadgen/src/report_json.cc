// The machine's form of ticks and reports: one line of JSON each.
#include <fmt/format.h>

#include "quoll/lab/loadgen/report.h"
#include "quoll/telemetry/json.h"

namespace quoll::lab::loadgen {

namespace {

using telemetry::JsonWriter;

double millis(std::uint64_t nanos) {
  return to_millis(Duration(nanos));
}

void put_millis(JsonWriter& out, std::string_view name, double ms) {
  out.key(name).fixed(ms, 3);
}

// The numbers of each kind of error that there is one of; `of` gives an error's value.
template <typename Of>
void put_errors(JsonWriter& out, std::string_view name, const Of& of) {
  out.key(name).begin_object();
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    if (const auto& value = of(i); value != std::decay_t<decltype(value)>()) {
      out.member(to_string(static_cast<ErrorKind>(i)), value);
    }
  }
  out.end_object();
}

// "status":{...},"fallback":{...},"errors":{...}
void put_counts(JsonWriter& out, const Stats& stats) {
  out.key("status").begin_object();
  for (std::size_t code = 0; code < Stats::kStatuses; ++code) {
    if (stats.status[code] > 0) out.member(std::to_string(code), stats.status[code]);
  }
  out.end_object().key("fallback").begin_object();
  for (const Fallback one : {Fallback::open, Fallback::timeout, Fallback::error, Fallback::other, Fallback::none}) {
    const std::uint64_t count = stats.fallback[static_cast<std::size_t>(one)];
    if (one != Fallback::other || count > 0) out.member(to_string(one), count);
  }
  out.end_object();
  put_errors(out, "errors", [&](std::size_t i) { return stats.errors[i]; });
}

void put_latency(JsonWriter& out, const Stats& stats) {
  for (const double p : {50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99}) {
    std::string name = fmt::format("p{:g}_ms", p);
    if (const auto dot = name.find('.'); dot != std::string::npos) name[dot] = '_';
    put_millis(out, name, millis(stats.latency.percentile(p)));
  }
  put_millis(out, "min_ms", millis(stats.latency.min()));
  put_millis(out, "max_ms", millis(stats.latency.max()));
  put_millis(out, "mean_ms", stats.latency.mean() / 1e6);
  put_millis(out, "stddev_ms", stats.latency.stddev() / 1e6);
}

}  // namespace

std::string to_json(const Tick& tick) {
  const Stats& stats = tick.stats;
  return telemetry::json_object([&](JsonWriter& out) {
    out.member("type", "tick").key("t").fixed(to_seconds(tick.end), 3);
    out.key("length_s").fixed(to_seconds(tick.length), 3);
    out.member("requests", stats.requests()).member("responses", stats.responses());
    out.key("rps").fixed(static_cast<double>(stats.responses()) / to_seconds(tick.length), 1);
    put_millis(out, "p50_ms", millis(stats.latency.percentile(50)));
    put_millis(out, "p95_ms", millis(stats.latency.percentile(95)));
    put_millis(out, "p99_ms", millis(stats.latency.percentile(99)));
    put_millis(out, "max_ms", millis(stats.latency.max()));
    put_counts(out, stats);
    if (tick.warm_up) out.member("warm_up", true);
  });
}

std::string to_json(const Report& report) {
  const Stats& stats = report.stats;
  return telemetry::json_object([&](JsonWriter& out) {
    out.member("type", "result").member("url", report.url).member("mode", report.mode);
    out.member("connections", report.connections).member("threads", report.threads);
    out.key("rate").fixed(report.rate, 3).member("seed", report.seed);
    out.key("duration_s").fixed(to_seconds(report.duration), 6).member("stopped", report.stopped);
    out.member("requests", stats.requests()).member("responses", stats.responses());
    out.member("succeeded", stats.succeeded()).key("rps").fixed(report.responses_per_second(), 1);
    out.member("bytes", stats.bytes_received).member("connections_opened", stats.connections_opened);
    out.member("warm_up_requests", report.warm_up_requests);
    if (report.mode == "idle") out.member("open", report.idle_open);
    put_latency(out, stats);
    put_millis(out, "own_delay_max_ms", to_millis(stats.own_delay_max));
    put_counts(out, stats);
    put_errors(out, "error_examples", [&](std::size_t i) { return report.error_examples[i]; });
  });
}

std::string idle_json(std::size_t open) {
  return telemetry::json_object([&](JsonWriter& out) { out.member("type", "idle").member("open", open); });
}

}  // namespace quoll::lab::loadgen

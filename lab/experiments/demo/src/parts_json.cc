#include "quoll/lab/demo/parts_json.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

namespace quoll::lab::demo {

using harness::CountMap;

namespace {

namespace json = boost::json;

// Reads fields and remembers the first that was not as it must be.
class Reader {
 public:
  explicit Reader(const char* what) : what_(what) {}

  const json::value* find(const json::value& in, std::string_view key) {
    const json::object* object = in.if_object();
    const json::value* found = object == nullptr ? nullptr : object->if_contains(key);
    if (found == nullptr) miss(key);
    return found;
  }
  double number(const json::value& in, std::string_view key) {
    const json::value* found = find(in, key);
    if (found == nullptr) return 0;
    json::error_code error;
    const double value = found->to_number<double>(error);
    if (error) miss(key);
    return value;
  }
  std::uint64_t count(const json::value& in, std::string_view key) {
    return static_cast<std::uint64_t>(std::max(0.0, number(in, key)));
  }
  Duration millis(const json::value& in, std::string_view key) { return from_millis(number(in, key)); }
  std::string text(const json::value& in, std::string_view key) {
    const json::value* found = find(in, key);
    const json::string* string = found == nullptr ? nullptr : found->if_string();
    if (string == nullptr) {
      miss(key);
      return {};
    }
    return {string->data(), string->size()};
  }
  CountMap counts(const json::value& in, std::string_view key) {
    CountMap out;
    const json::value* found = find(in, key);
    const json::object* object = found == nullptr ? nullptr : found->if_object();
    if (object == nullptr) {
      miss(key);
      return out;
    }
    for (const auto& entry : *object) out[std::string(entry.key())] = count(*found, entry.key());
    return out;
  }
  const json::array& items(const json::value& in, std::string_view key) {
    static const json::array none;
    const json::value* found = find(in, key);
    const json::array* array = found == nullptr ? nullptr : found->if_array();
    if (array == nullptr) miss(key);
    return array == nullptr ? none : *array;
  }

  bool failed() const { return !missing_.empty(); }
  Error error() const { return {std::string(what_) + ": no usable field \"" + missing_ + "\"", "contract"}; }

 private:
  void miss(std::string_view key) {
    if (missing_.empty()) missing_ = std::string(key);
  }

  const char* what_;
  std::string missing_;
};

Result<json::value> parse_json(std::string_view text, const char* what) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error) {
    return Error{
        std::string(what) + ": not JSON (" + error.message() + "): \"" + std::string(text.substr(0, 120)) + "\"",
        "contract"};
  }
  return value;
}

}  // namespace

Result<WallTime> parse_rfc3339(std::string_view text) {
  const std::string copy(text);
  std::tm tm{};
  double second = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                  &tm.tm_min, &second) != 6 ||
      second < 0 || second >= 61) {
    return Error{"not a time as in 2026-11-23T20:53:31.123Z: \"" + copy + "\"", "time"};
  }
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  const std::time_t whole = ::timegm(&tm);
  return WallTime(std::chrono::seconds(whole) + from_seconds(second));
}

Result<CircuitStatus> parse_circuit_status(std::string_view text, WallTime epoch) {
  const auto parsed = parse_json(text, "/circuit-status");
  if (!parsed) return parsed.error();
  Reader read("/circuit-status");
  CircuitStatus out;
  const json::array& circuits = read.items(*parsed, "circuits");
  if (circuits.empty()) return Error{"/circuit-status: it has no circuit", "contract"};
  const json::value& circuit = circuits[0];
  out.sample.state = read.text(circuit, "state");
  out.sample.state_seconds = read.number(circuit, "state_seconds");
  out.sample.explanation = read.text(circuit, "explanation");
  if (const json::value* window = read.find(circuit, "window")) {
    out.sample.window_total = read.count(*window, "total");
    out.sample.failure_rate = read.number(*window, "failure_rate_percent");
    out.sample.slow_rate = read.number(*window, "slow_rate_percent");
  }
  for (const json::value& item : read.items(circuit, "transitions")) {
    const Result<WallTime> at = parse_rfc3339(read.text(item, "at"));
    if (!at) return Error{"/circuit-status, transitions: " + at.error().message, "contract"};
    out.changes.push_back({.sequence = read.count(item, "sequence"),
                           .at = *at - epoch,
                           .from = read.text(item, "from"),
                           .to = read.text(item, "to"),
                           .reason = read.text(item, "reason"),
                           .text = read.text(item, "text")});
  }
  std::sort(out.changes.begin(), out.changes.end(),
            [](const StateChange& a, const StateChange& b) { return a.sequence < b.sequence; });
  if (const json::value* loop = read.find(*parsed, "loop")) {
    for (const json::value& worker : read.items(*loop, "workers")) {
      out.lag_now = std::max(out.lag_now, read.millis(worker, "lag_ms"));
      out.sample.lag_10s = std::max(out.sample.lag_10s, read.millis(worker, "max_lag_ms_10s"));
    }
  }
  if (read.failed()) return read.error();
  return out;
}

Result<std::optional<LoadLine>> parse_load_line(std::string_view text) {
  const auto parsed = parse_json(text, "quoll load");
  if (!parsed) return parsed.error();
  Reader read("quoll load");
  const std::string type = read.text(*parsed, "type");
  if (!read.failed() && type != "tick" && type != "result") return std::optional<LoadLine>();
  LoadLine line;
  line.is_result = type == "result";
  if (!line.is_result) {
    line.t = from_seconds(read.number(*parsed, "t"));
    line.length = parsed->as_object().contains("length_s") ? from_seconds(read.number(*parsed, "length_s"))
                                                           : Duration(std::chrono::seconds(1));
  }
  line.traffic.requests = read.count(*parsed, "requests");
  line.traffic.rps = read.number(*parsed, "rps");
  line.traffic.p50 = read.millis(*parsed, "p50_ms");
  line.traffic.p95 = read.millis(*parsed, "p95_ms");
  line.traffic.p99 = read.millis(*parsed, "p99_ms");
  line.traffic.max = read.millis(*parsed, "max_ms");
  line.traffic.status = read.counts(*parsed, "status");
  line.traffic.fallback = read.counts(*parsed, "fallback");
  line.traffic.errors = read.counts(*parsed, "errors");
  if (read.failed()) return read.error();
  return std::optional<LoadLine>(std::move(line));
}

}  // namespace quoll::lab::demo

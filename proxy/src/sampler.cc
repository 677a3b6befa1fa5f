#include "sampler.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "quoll/telemetry/process.h"
#include "status_json.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;

// The charts' columns. Rates are per second, times in milliseconds.
enum Column : std::size_t {
  kRequests,
  kErrors,
  kP50,
  kP95,
  kP99,
  kMax,
  kLag,
  kCpu,
  kQueueP95,
  kQueueMax,
  kLocalMax,
  kRescued,
  kShed,
  kMemory,
  kConnections,
  kCircuitColumns,  // the first of a circuit's: its state, then its events' rates
};

std::vector<std::string> columns_for(const Circuit& circuit) {
  std::vector<std::string> names = {"requests",  "errors",  "p50",  "p95",       "p99",
                                    "max",       "lag",     "cpu",  "queue_p95", "queue_max",
                                    "local_max", "rescued", "shed", "memory",    "connections"};
  QUOLL_ASSERT(names.size() == kCircuitColumns);
  names.push_back(circuit.name() + ".state");
  for (const char* event : kEventNames) names.push_back(circuit.name() + "." + event);
  return names;
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

// Adds up histograms of one family, all with the same bounds.
void add(telemetry::HistogramSnapshot& sum, const telemetry::HistogramSnapshot& more) {
  if (sum.buckets.empty()) {
    sum = more;
    return;
  }
  for (std::size_t i = 0; i < sum.buckets.size(); ++i) sum.buckets[i] += more.buckets[i];
  sum.count += more.count;
  sum.sum += more.sum;
}

bool is_server_error(const telemetry::Labels& labels) {
  for (const auto& label : labels) {
    if (label.first == "http_response_status_code") return label.second.starts_with('5');
  }
  return false;
}

std::string event_id(WallTime at) {
  return std::to_string(std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count());
}

}  // namespace

struct Sampler::Moment {
  TimePoint at{};
  telemetry::HistogramSnapshot served;
  Duration served_max{};
  std::uint64_t server_errors = 0;
  telemetry::HistogramSnapshot queued;
  Duration cpu{};
  double memory = 0;
  double rescued = 0;
  double shed = 0;
  std::array<std::uint64_t, kEventNames.size()> events{};
};

Sampler::Sampler(const ProxyOptions& options, const Routes& routes, const Metrics& metrics, net::Workers& workers,
                 const net::LoopMonitor& monitor, EventHub& hub)
    : options_(options),
      routes_(routes),
      circuit_(routes[0].circuit),
      metrics_(metrics),
      workers_(workers),
      monitor_(monitor),
      hub_(hub),
      series_(columns_for(circuit_)),
      last_(std::make_unique<Moment>(read(steady_now()))),
      generation_seen_(circuit_.breaker().generation()) {}

Sampler::~Sampler() = default;

Sampler::Moment Sampler::read(TimePoint now) const {
  Moment m;
  m.at = now;
  for (const auto& served : metrics_.registry.histograms("http_server_request_duration_seconds")) {
    const telemetry::HistogramSnapshot snapshot = served.histogram->snapshot();
    add(m.served, snapshot);
    if (is_server_error(served.labels)) m.server_errors += snapshot.count;
    m.served_max = std::max(m.served_max, served.histogram->last_max());
  }
  m.queued = metrics_.queue_delay.snapshot();
  if (const auto process = telemetry::read_process_stats()) {
    m.cpu = process->cpu;
    m.memory = static_cast<double>(process->resident_bytes);
  }
  m.rescued = static_cast<double>(circuit_.attempts(AttemptEnd::rescued));
  m.shed = metrics_.registry.counter_sum("quoll_shed_total");
  for (std::size_t i = 0; i < m.events.size(); ++i) m.events[i] = circuit_.events(static_cast<Event>(i));
  return m;
}

double Sampler::longest_lag(TimePoint now) const {
  Duration longest{};
  for (const auto& lag : metrics_.registry.histograms("quoll_loop_lag_seconds")) {
    longest = std::max(longest, lag.histogram->last_max());
  }
  // A stall that still lasts is in no histogram yet.
  for (unsigned i = 0; i < workers_.size(); ++i) longest = std::max(longest, monitor_.current(i, now));
  return to_millis(longest);
}

std::vector<double> Sampler::row(const Moment& now) const {
  const Moment& before = *last_;
  const double seconds = std::max(to_seconds(now.at - before.at), 1e-3);
  const auto rate = [&](auto current, auto older) { return static_cast<double>(current - older) / seconds; };
  // A family that did not exist a second ago has nothing to subtract.
  const telemetry::HistogramSnapshot served =
      before.served.buckets.empty() ? now.served : now.served.since(before.served);
  const telemetry::HistogramSnapshot queued = now.queued.since(before.queued);
  const double max = to_millis(now.served_max);
  // Interpolated in a bucket, a quantile may come out above the largest value that was there.
  const auto quantile = [&](double q) { return std::min(to_millis(served.quantile(q)), max); };

  std::vector<double> out(series_.columns().size(), 0);
  out[kRequests] = rate(now.served.count, before.served.count);
  constexpr auto kFallback = static_cast<std::size_t>(Event::fallback);
  out[kErrors] = rate(now.server_errors + now.events[kFallback], before.server_errors + before.events[kFallback]);
  const bool any = served.count > 0;
  out[kP50] = any ? quantile(0.5) : NAN;
  out[kP95] = any ? quantile(0.95) : NAN;
  out[kP99] = any ? quantile(0.99) : NAN;
  out[kMax] = any ? max : NAN;
  out[kLag] = longest_lag(now.at);
  out[kCpu] = 100 * to_seconds(now.cpu - before.cpu) / seconds;
  out[kQueueP95] = queued.count == 0 ? NAN : to_millis(queued.quantile(0.95));
  out[kQueueMax] = queued.count == 0 ? NAN : to_millis(metrics_.queue_delay.last_max());
  out[kLocalMax] = to_millis(metrics_.local_delay.last_max());
  out[kRescued] = rate(now.rescued, before.rescued);
  out[kShed] = rate(now.shed, before.shed);
  out[kMemory] = now.memory;
  out[kConnections] = metrics_.client_connections.value();
  out[kCircuitColumns] = static_cast<double>(circuit_.breaker().state());
  for (std::size_t i = 0; i < kEventNames.size(); ++i) {
    out[kCircuitColumns + 1 + i] = rate(now.events[i], before.events[i]);
  }
  for (double& value : out) value = rounded(value);
  return out;
}

void Sampler::sample(TimePoint now, WallTime wall) {
  auto moment = std::make_unique<Moment>(read(now));
  series_.append(wall, row(*moment));
  last_ = std::move(moment);
  watch(now, wall);
  if (hub_.readers() == 0) return;
  hub_.publish(sse_event("row", series_.json_since(wall - Duration(1)), event_id(wall)) +
               sse_event("status", status_json(now)));
}

void Sampler::watch(TimePoint now, WallTime wall) {
  const std::uint32_t generation = circuit_.breaker().generation();
  if (generation == generation_seen_) return;
  generation_seen_ = generation;
  for (const core::Transition& t : circuit_.breaker().journal()) {
    if (t.sequence <= sequence_seen_) continue;
    sequence_seen_ = t.sequence;
    const WallTime at = wall - (now - t.at);
    transitions_.push_back({at, json::serialize(transition_event_json(circuit_.name(), t, at))});
    hub_.publish(sse_event("transition", transitions_.back().json));
  }
  while (transitions_.size() > kMaxTransitions) transitions_.pop_front();
}

std::string Sampler::greeting(WallTime since, TimePoint now, WallTime wall) {
  watch(now, wall);
  // Ids are whole milliseconds, rows have nanoseconds: what lies within the named millisecond has been seen.
  const WallTime after = since == WallTime{} ? since : since + std::chrono::milliseconds(1) - Duration(1);
  std::string journal = "[";
  for (const Changed& changed : transitions_) {
    if (changed.at <= since) continue;
    if (journal.size() > 1) journal += ',';
    journal += changed.json;
  }
  journal += ']';
  return "retry: 1000\n\n" + sse_event("hello", hello_json(wall)) + sse_event("journal", journal) +
         sse_event("history", series_.json_since(after)) + sse_event("status", status_json(now));
}

std::string Sampler::hello_json(WallTime wall) const {
  const auto seconds = [](WallTime t) { return rounded(to_seconds(t.time_since_epoch())); };
  return json::serialize(json::object{{"started", seconds(started_)},
                                      {"now", seconds(wall)},
                                      {"listen", options_.listen},
                                      {"upstream", options_.upstream},
                                      {"verdict", to_string(options_.verdict)},
                                      {"workers", workers_.size()},
                                      {"timeout_ms", to_millis(options_.timeout)},
                                      {"control", options_.allow_control},
                                      {"pressure", options_.allow_pressure},
                                      {"keep_seconds", series_.capacity()},
                                      {"circuits", json::array{circuit_.name()}}});
}

std::string Sampler::status_json(TimePoint now) const {
  return json::serialize(json::object{{"circuits", json::array{circuit_summary_json(routes_[0], now)}},
                                      {"loop", loop_json(monitor_, workers_.size(), now)},
                                      {"readers", hub_.readers()}});
}

WallTime parse_event_id(std::string_view text) {
  std::int64_t ms = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), ms);
  constexpr std::int64_t kYear2200 = 7'258'118'400'000;  // nanoseconds overflow in 2262
  if (failed != std::errc{} || end != text.data() + text.size() || ms < 0 || ms > kYear2200) return {};
  return WallTime{} + std::chrono::milliseconds(ms);
}

}  // namespace quoll::proxy

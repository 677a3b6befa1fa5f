#include "quoll/proxy/live/sampler.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "quoll/proxy/live/status_json.h"
#include "quoll/telemetry/process.h"

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
  kCircuitColumns,  // of several circuits: the events' rates of all, "*.success"; then of each its state, timeout and
                    // rates
};

// Of many circuits only the sums: a column of 15 minutes is 7 KiB.
std::size_t circuits_with_columns(const Routes& routes) {
  return routes.size() <= CircuitFeed::kWhole ? routes.size() : 0;
}

std::vector<std::string> columns_for(const Routes& routes) {
  std::vector<std::string> names = {"requests",  "errors",  "p50",  "p95",       "p99",
                                    "max",       "lag",     "cpu",  "queue_p95", "queue_max",
                                    "local_max", "rescued", "shed", "memory",    "connections"};
  QUOLL_ASSERT(names.size() == kCircuitColumns);
  if (routes.size() > 1) {
    for (const char* event : kEventNames) names.push_back(std::string("*.") + event);
  }
  for (std::size_t i = 0; i < circuits_with_columns(routes); ++i) {
    names.push_back(routes[i].name() + ".state");
    names.push_back(routes[i].name() + ".timeout_ms");
    for (const char* event : kEventNames) names.push_back(routes[i].name() + "." + event);
  }
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
  using Events = std::array<std::uint64_t, kEventNames.size()>;
  Events all{};
  std::vector<Events> events;  // of the circuits with columns
};

Sampler::Sampler(const ProxyOptions& options, const Routes& routes, const Metrics& metrics, net::Workers& workers,
                 const net::LoopMonitor& monitor, EventHub& hub)
    : options_(options),
      routes_(routes),
      metrics_(metrics),
      workers_(workers),
      monitor_(monitor),
      hub_(hub),
      feed_(routes),
      series_(columns_for(routes)),
      last_(std::make_unique<Moment>(read(steady_now()))) {}

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
  m.shed = metrics_.registry.counter_sum("quoll_shed_total");
  m.events.resize(circuits_with_columns(routes_));
  for (std::size_t c = 0; c < routes_.size(); ++c) {
    const Circuit& circuit = routes_[c].circuit;
    m.rescued += static_cast<double>(circuit.attempts(AttemptEnd::rescued));
    for (std::size_t i = 0; i < m.all.size(); ++i) {
      const std::uint64_t events = circuit.events(static_cast<Event>(i));
      m.all[i] += events;
      if (c < m.events.size()) m.events[c][i] = events;
    }
  }
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
  out[kErrors] = rate(now.server_errors + now.all[kFallback], before.server_errors + before.all[kFallback]);
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
  std::size_t at = kCircuitColumns;
  if (routes_.size() > 1) {
    for (std::size_t i = 0; i < kEventNames.size(); ++i) out[at++] = rate(now.all[i], before.all[i]);
  }
  for (std::size_t c = 0; c < now.events.size(); ++c) {
    out[at++] = static_cast<double>(routes_[c].circuit.breaker().state());
    out[at++] = to_millis(routes_[c].circuit.timeout());
    for (std::size_t i = 0; i < kEventNames.size(); ++i) out[at++] = rate(now.events[c][i], before.events[c][i]);
  }
  QUOLL_ASSERT(at == out.size());
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
               sse_event("status", status_json(now, false)));
}

void Sampler::watch(TimePoint now, WallTime wall) {
  std::string changes = feed_.changes(now, wall);
  if (!changes.empty()) hub_.publish(std::move(changes));
}

std::string Sampler::greeting(WallTime since, TimePoint now, WallTime wall) {
  watch(now, wall);
  // Ids are whole milliseconds, rows have nanoseconds: what lies within the named millisecond has been seen.
  const WallTime after = since == WallTime{} ? since : since + std::chrono::milliseconds(1) - Duration(1);
  return "retry: 1000\n\n" + sse_event("hello", hello_json(wall)) + sse_event("journal", feed_.journal(since)) +
         sse_event("history", series_.json_since(after)) + sse_event("status", status_json(now, true));
}

std::string Sampler::hello_json(WallTime wall) const {
  const auto seconds = [](WallTime t) { return rounded(to_seconds(t.time_since_epoch())); };
  json::object hello = feed_.hello();
  hello["started"] = seconds(started_);
  hello["now"] = seconds(wall);
  hello["listen"] = options_.listen;
  hello["upstream"] = options_.upstream;
  hello["verdict"] = to_string(options_.verdict);
  hello["workers"] = workers_.size();
  hello["timeout_ms"] = to_millis(routes_[0].circuit.timeout());
  hello["control"] = options_.allow_control;
  hello["pressure"] = options_.allow_pressure;
  hello["keep_seconds"] = series_.capacity();
  return json::serialize(hello);
}

std::string Sampler::status_json(TimePoint now, bool everything) {
  json::object status = feed_.status(now, everything);
  status["loop"] = loop_json(monitor_, workers_.size(), now);
  status["readers"] = hub_.readers();
  return json::serialize(status);
}

WallTime parse_event_id(std::string_view text) {
  std::int64_t ms = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), ms);
  constexpr std::int64_t kYear2200 = 7'258'118'400'000;  // nanoseconds overflow in 2262
  if (failed != std::errc{} || end != text.data() + text.size() || ms < 0 || ms > kYear2200) return {};
  return WallTime{} + std::chrono::milliseconds(ms);
}

}  // namespace quoll::proxy

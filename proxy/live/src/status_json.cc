#include "quoll/proxy/live/status_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "quoll/proxy/config/config_json.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;

double percent(double share) {
  return std::round(share * 1000) / 10;
}

json::object counts_json(const core::WindowCounts& counts) {
  return {{"total", counts.calls},
          {"success", counts.success},
          {"failure", counts.failure},
          {"timeout", counts.timeout},
          {"slow", counts.slow},
          {"rescued", counts.rescued},
          {"cancelled", counts.cancelled},
          {"ignored", counts.ignored},
          {"rejected", counts.rejected},
          {"failure_rate_percent", percent(counts.failure_rate())},
          {"slow_rate_percent", percent(counts.slow_rate())}};
}

json::object window_json(const core::Snapshot& snapshot) {
  json::object out = counts_json(snapshot.counts);
  out["seconds"] = to_seconds(snapshot.options.window);
  out["buckets"] = snapshot.options.buckets;
  out["mean_ms"] = rounded_millis(snapshot.mean);
  json::object percentiles;
  for (std::size_t i = 0; i < core::kSnapshotPercentiles.size(); ++i) {
    percentiles[fmt::format("{}", core::kSnapshotPercentiles[i])] = rounded_millis(snapshot.percentiles[i]);
  }
  out["percentiles_ms"] = std::move(percentiles);
  out["latency_samples"] = snapshot.latency_samples;
  out["longest_stall_ms"] = rounded_millis(snapshot.longest_local_stall);
  return out;
}

Duration latency_at(const core::Snapshot& snapshot, double percentile) {
  const auto& all = core::kSnapshotPercentiles;
  const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), percentile) - all.begin());
  QUOLL_ASSERT(at < all.size());
  return snapshot.percentiles[at];
}

json::object totals_json(const Circuit& circuit, const core::LifetimeTotals& totals) {
  json::object out;
  for (std::size_t i = 0; i < kEventNames.size(); ++i) out[kEventNames[i]] = circuit.events(static_cast<Event>(i));
  out["cancelled"] = totals.cancelled;
  out["ignored"] = totals.ignored;
  out["rescued"] = totals.rescued;
  out["slow"] = totals.slow;
  out["stale"] = totals.stale;
  return out;
}

json::object timeout_json(const Circuit& circuit) {
  const core::AdaptiveTimeout* adaptive = circuit.adaptive_timeout();
  const TimeoutKind kind = adaptive == nullptr ? TimeoutKind::fixed : TimeoutKind::adaptive;
  json::object out = {{"kind", to_string(kind)}, {"now_ms", rounded_millis(circuit.timeout())}};
  if (adaptive == nullptr) return out;
  const core::AdaptiveTimeout::Snapshot snapshot = adaptive->snapshot();
  out["quantile_ms"] = rounded_millis(snapshot.clean_quantile);
  out["with_timeouts_ms"] = rounded_millis(snapshot.quantile);
  out["learned"] = snapshot.learned;
  out["timeouts"] = snapshot.censored;
  out["warming_up"] = snapshot.warming_up;
  out["paused"] = snapshot.paused;
  return out;
}

json::value concurrency_json(const Circuit& circuit) {
  const core::ConcurrencyLimit* limit = circuit.limit();
  if (limit == nullptr) return nullptr;
  const core::ConcurrencyLimit::Snapshot snapshot = limit->snapshot();
  return {{"algorithm", core::to_string(limit->options().algorithm)},
          {"limit", snapshot.limit},
          {"in_flight", snapshot.in_flight},
          {"mean_ms", rounded_millis(snapshot.rtt)},
          {"normal_ms", rounded_millis(snapshot.baseline)}};
}

// Monotonic times as people read them: by their distance to now.
std::string wall(TimePoint at, TimePoint now) {
  return format_rfc3339(wall_now() - (now - at));
}

json::object transition_json(const core::Transition& t, TimePoint now) {
  json::object evidence = counts_json(t.evidence.counts);
  evidence["excluded"] = t.evidence.counts.ignored;
  evidence["consecutive_failures"] = t.evidence.consecutive;
  evidence["longest_local_stall_ms"] = rounded_millis(t.evidence.longest_local_stall);
  evidence["failure_rate_threshold"] = t.evidence.failure_rate_threshold;
  evidence["minimum_volume"] = t.evidence.minimum_volume;
  return {{"sequence", t.sequence},          {"at", wall(t.at, now)},       {"age_seconds", to_seconds(now - t.at)},
          {"from", core::to_string(t.from)}, {"to", core::to_string(t.to)}, {"reason", core::to_string(t.reason)},
          {"evidence", std::move(evidence)}, {"text", core::explain(t)}};
}

}  // namespace

json::object circuit_json(const Route& route, TimePoint now) {
  const Circuit& circuit = route.circuit;
  const core::Snapshot snapshot = circuit.breaker().snapshot(now);
  json::object out;
  out["name"] = circuit.name();
  out["upstream"] = route.options.upstream;
  out["state"] = core::to_string(snapshot.state);
  out["mode"] = core::to_string(snapshot.mode);
  out["since"] = wall(circuit.since(snapshot), now);
  out["state_seconds"] = rounded_seconds(now - circuit.since(snapshot));
  out["remaining_seconds"] = to_seconds(snapshot.remaining);
  out["explanation"] = core::explain(snapshot);
  out["timeout"] = timeout_json(circuit);
  out["concurrency"] = concurrency_json(circuit);
  out["window"] = window_json(snapshot);
  out["totals"] = totals_json(circuit, snapshot.totals);
  out["options"] = route_settings_json(route.options);
  json::array transitions;
  for (const core::Transition& t : circuit.breaker().journal()) transitions.push_back(transition_json(t, now));
  out["transitions"] = std::move(transitions);
  out["endpoints"] = json::array{json::object{{"address", circuit.upstream()}}};
  return out;
}

json::object circuit_summary_json(const Route& route, TimePoint now) {
  const Circuit& circuit = route.circuit;
  const core::Snapshot snapshot = circuit.breaker().snapshot(now);
  json::object window = window_json(snapshot);
  return {{"name", circuit.name()},
          {"upstream", route.options.upstream},
          {"state", core::to_string(snapshot.state)},
          {"mode", core::to_string(snapshot.mode)},
          {"state_seconds", std::round(to_seconds(now - circuit.since(snapshot)) * 10) / 10},
          {"remaining_seconds", std::round(to_seconds(snapshot.remaining) * 10) / 10},
          {"explanation", core::explain(snapshot)},
          {"failure_rate_threshold", snapshot.options.failure_rate_threshold},
          {"timeout", timeout_json(circuit)},
          {"window", window},
          {"totals", totals_json(circuit, snapshot.totals)},
          {"endpoints", json::array{json::object{{"address", circuit.upstream()}, {"window", window}}}}};
}

json::object circuit_line_json(const Route& route, TimePoint now) {
  const core::Snapshot snapshot = route.circuit.breaker().snapshot(now);
  json::object out = {{"name", route.name()}};
  if (!route.options.host.empty()) out["host"] = route.options.host;
  if (route.index != 0) out["path"] = route.options.path;
  out["upstream"] = route.options.upstream;
  out["state"] = core::to_string(snapshot.state);
  out["state_seconds"] = std::round(to_seconds(now - route.circuit.since(snapshot)) * 10) / 10;
  out["calls"] = snapshot.counts.calls;
  out["failure_rate_percent"] = percent(snapshot.counts.failure_rate());
  out["rescued"] = snapshot.counts.rescued;
  out["rejected"] = snapshot.counts.rejected;
  out["p95_ms"] = snapshot.latency_samples == 0 ? json::value() : json::value(rounded_millis(latency_at(snapshot, 95)));
  return out;
}

json::array circuit_brief_json(const Route& route, TimePoint now) {
  const core::Snapshot snapshot = route.circuit.breaker().snapshot(now);
  json::array out = {route.index,
                     static_cast<unsigned>(snapshot.state),
                     std::round(to_seconds(now - route.circuit.since(snapshot)) * 10) / 10,
                     snapshot.counts.calls,
                     percent(snapshot.counts.failure_rate()),
                     snapshot.counts.rescued,
                     snapshot.counts.rejected};
  for (const double p : {50.0, 95.0, 100.0}) {
    out.push_back(snapshot.latency_samples == 0 ? json::value() : json::value(rounded_millis(latency_at(snapshot, p))));
  }
  return out;
}

json::object states_json(const Routes& routes) {
  json::object out;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    json::value& count = out[core::to_string(routes[i].circuit.breaker().state())];
    count = count.is_null() ? 1 : count.as_int64() + 1;
  }
  return out;
}

core::State worst_state(const Routes& routes) {
  core::State worst = routes[0].circuit.breaker().state();
  for (std::size_t i = 1; i < routes.size(); ++i) {
    const core::State state = routes[i].circuit.breaker().state();
    if (core::gauge(state) > core::gauge(worst)) worst = state;
  }
  return worst;
}

json::object transition_event_json(const std::string& circuit, const core::Transition& t, WallTime at) {
  return {{"circuit", circuit},
          {"sequence", t.sequence},
          {"t", rounded_seconds(at.time_since_epoch())},
          {"from", core::to_string(t.from)},
          {"to", core::to_string(t.to)},
          {"reason", core::to_string(t.reason)},
          {"text", core::explain(t)},
          {"counts", counts_json(t.evidence.counts)},
          {"stall_ms", rounded_millis(t.evidence.longest_local_stall)}};
}

json::object admission_json(const AdmissionGate& admission) {
  const core::AdmissionControl* control = admission.control();
  if (control == nullptr) return {{"on", false}};
  const core::AdmissionControl::Snapshot snapshot = control->snapshot();
  return {{"on", true},
          {"share", std::round(snapshot.share * 1000) / 1000},
          {"overloaded", snapshot.overloaded},
          {"least_delay_ms", rounded_millis(snapshot.least_delay)},
          {"shed_overload", snapshot.overload},
          {"shed_too_old", snapshot.too_old}};
}

json::object loop_json(const net::LoopMonitor& monitor, std::size_t workers, TimePoint now) {
  json::array list;
  for (unsigned i = 0; i < workers; ++i) {
    list.push_back(json::object{{"index", i},
                                {"lag_ms", rounded_millis(monitor.current(i, now))},
                                {"max_lag_ms_10s", rounded_millis(monitor.longest(i, now))}});
  }
  return {{"workers", std::move(list)}};
}

}  // namespace quoll::proxy

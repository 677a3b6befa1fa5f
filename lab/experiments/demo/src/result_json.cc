#include <boost/json.hpp>
#include <cmath>

#include "assets.h"
#include "quoll/lab/demo/text_report.h"
#include "quoll/lab/harness/record_json.h"
#include "quoll/lab/harness/report_html.h"

namespace quoll::lab::demo {

using harness::CountMap;

namespace {

namespace json = boost::json;

json::object to_object(const CountMap& counts) {
  json::object out;
  for (const auto& [key, count] : counts) out[key] = count;
  return out;
}

void put_traffic(json::object& out, const Traffic& traffic) {
  out["requests"] = traffic.requests;
  out["rps"] = std::round(traffic.rps * 10) / 10;
  out["answered"] = traffic.answered();
  out["fallback"] = to_object(traffic.fallback);
  out["errors"] = to_object(traffic.errors);
  out["lost"] = traffic.error_count();
  out["status"] = to_object(traffic.status);
  out["p50_ms"] = rounded_millis(traffic.p50);
  out["p95_ms"] = rounded_millis(traffic.p95);
  out["p99_ms"] = rounded_millis(traffic.p99);
  out["max_ms"] = rounded_millis(traffic.max);
}

json::array to_array(const std::vector<Check>& checks) {
  json::array out;
  for (const Check& check : checks) {
    out.push_back({{"pass", check.pass},
                   {"claim", check.claim},
                   {"circuit", check.circuit},
                   {"load", check.load},
                   {"note", check.note}});
  }
  return out;
}

json::object to_object(const PhaseRecord& record) {
  json::object out{{"name", record.phase.name},
                   {"sentence", record.phase.sentence},
                   {"start_s", rounded_seconds(record.start)},
                   {"end_s", rounded_seconds(record.end.value_or(record.start))},
                   {"complete", record.complete}};
  put_traffic(out, record.traffic);
  json::object states;
  for (const auto& [state, time] : record.time_in_state) states[state] = rounded_seconds(time);
  out["time_in_state_s"] = std::move(states);
  out["opens"] = record.opens;
  out["closes"] = record.closes;
  out["half_opens"] = record.half_opens;
  out["max_loop_lag_ms"] = rounded_millis(record.max_lag);
  out["circuit_events"] = to_object(record.counters.events);
  out["attempts"] = to_object(record.counters.attempts);
  out["checks"] = to_array(record.checks);
  out["findings"] = harness::to_array(record.findings);
  return out;
}

json::object to_object(const RunRecord& run) {
  json::array parts;
  for (const Part& part : run.parts) {
    parts.push_back({{"name", part.name}, {"command", part.command}, {"address", part.address}});
  }
  json::object out = harness::to_object(run.environment);
  out["seed"] = run.seed;
  out["quick"] = run.quick;
  out["verdict"] = run.verdict;
  out["rate"] = run.rate;
  out["connections"] = run.connections;
  out["breaker"] = run.breaker;
  out["parts"] = std::move(parts);
  return out;
}

json::object series(const RunRecord& run) {
  json::array ticks;
  for (const LoadTick& tick : run.ticks) {
    json::object one{{"t", rounded_seconds(tick.at)}, {"length_s", rounded_seconds(tick.length)}};
    put_traffic(one, tick.traffic);
    one.erase("status");
    ticks.push_back(std::move(one));
  }
  json::array samples;
  for (const CircuitSample& sample : run.samples) {
    samples.push_back({{"t", rounded_seconds(sample.at)},
                       {"state", sample.state},
                       {"lag_ms", rounded_millis(sample.lag)},
                       {"failure_percent", std::round(sample.failure_rate * 10) / 10},
                       {"window_total", sample.window_total}});
  }
  json::array changes;
  for (const StateChange& change : run.changes) {
    changes.push_back({{"t", rounded_seconds(change.at)},
                       {"sequence", change.sequence},
                       {"from", change.from},
                       {"to", change.to},
                       {"reason", change.reason},
                       {"text", change.text}});
  }
  json::array marks;
  for (const Mark& mark : run.marks) marks.push_back({{"t", rounded_seconds(mark.at)}, {"text", mark.text}});
  return {{"ticks", std::move(ticks)},
          {"samples", std::move(samples)},
          {"changes", std::move(changes)},
          {"marks", std::move(marks)}};
}

}  // namespace

std::string to_json(const RunRecord& run) {
  json::array phases;
  for (const PhaseRecord& record : run.phases) phases.push_back(to_object(record));
  const json::object out{{"experiment", "lab"},
                         {"ok", run.ok()},
                         {"interrupted", run.interrupted},
                         {"problems", harness::to_array(run.problems)},
                         {"environment", to_object(run)},
                         {"phases", std::move(phases)},
                         {"cross_check", to_array(run.checks)},
                         {"series", series(run)}};
  return json::serialize(out);
}

std::string page(const RunRecord& run) {
  return harness::html_page("Quoll lab report", to_json(run), assets::demo_js);
}

}  // namespace quoll::lab::demo

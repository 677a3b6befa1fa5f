#include <boost/json.hpp>
#include <cmath>

#include "quoll/lab/experiments/text_report.h"

namespace quoll::lab::experiments {

namespace {

namespace json = boost::json;

// Rounded to microseconds: more digits would only be noise in the file.
double millis(Duration d) {
  return std::round(to_millis(d) * 1000) / 1000;
}
double seconds(Duration d) {
  return std::round(to_seconds(d) * 1000) / 1000;
}

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
  out["p50_ms"] = millis(traffic.p50);
  out["p95_ms"] = millis(traffic.p95);
  out["p99_ms"] = millis(traffic.p99);
  out["max_ms"] = millis(traffic.max);
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
                   {"start_s", seconds(record.start)},
                   {"end_s", seconds(record.end.value_or(record.start))},
                   {"complete", record.complete}};
  put_traffic(out, record.traffic);
  json::object states;
  for (const auto& [state, time] : record.time_in_state) states[state] = seconds(time);
  out["time_in_state_s"] = std::move(states);
  out["opens"] = record.opens;
  out["closes"] = record.closes;
  out["half_opens"] = record.half_opens;
  out["max_loop_lag_ms"] = millis(record.max_lag);
  out["circuit_events"] = to_object(record.counters.events);
  out["attempts"] = to_object(record.counters.attempts);
  out["checks"] = to_array(record.checks);
  json::array findings;
  for (const Finding& finding : record.findings) findings.push_back({{"pass", finding.pass}, {"text", finding.text}});
  out["findings"] = std::move(findings);
  return out;
}

json::object to_object(const RunRecord& run) {
  const Environment& e = run.environment;
  json::array parts;
  for (const Part& part : run.parts) {
    parts.push_back({{"name", part.name}, {"command", part.command}, {"address", part.address}});
  }
  return {{"version", e.version},       {"compiler", e.compiler},
          {"kernel", e.kernel},         {"cpu", e.cpu},
          {"cores", e.cores},           {"memory_bytes", e.memory_bytes},
          {"started_at", e.started_at}, {"seed", run.seed},
          {"quick", run.quick},         {"verdict", run.verdict},
          {"rate", run.rate},           {"connections", run.connections},
          {"breaker", run.breaker},     {"parts", std::move(parts)}};
}

json::object series(const RunRecord& run) {
  json::array ticks;
  for (const LoadTick& tick : run.ticks) {
    json::object one{{"t", seconds(tick.at)}, {"length_s", seconds(tick.length)}};
    put_traffic(one, tick.traffic);
    one.erase("status");
    ticks.push_back(std::move(one));
  }
  json::array samples;
  for (const CircuitSample& sample : run.samples) {
    samples.push_back({{"t", seconds(sample.at)},
                       {"state", sample.state},
                       {"lag_ms", millis(sample.lag)},
                       {"failure_percent", std::round(sample.failure_rate * 10) / 10},
                       {"window_total", sample.window_total}});
  }
  json::array changes;
  for (const StateChange& change : run.changes) {
    changes.push_back({{"t", seconds(change.at)},
                       {"sequence", change.sequence},
                       {"from", change.from},
                       {"to", change.to},
                       {"reason", change.reason},
                       {"text", change.text}});
  }
  json::array marks;
  for (const Mark& mark : run.marks) marks.push_back({{"t", seconds(mark.at)}, {"text", mark.text}});
  return {{"ticks", std::move(ticks)},
          {"samples", std::move(samples)},
          {"changes", std::move(changes)},
          {"marks", std::move(marks)}};
}

}  // namespace

std::string to_json(const RunRecord& run) {
  json::array phases;
  for (const PhaseRecord& record : run.phases) phases.push_back(to_object(record));
  json::array problems;
  for (const std::string& problem : run.problems) problems.push_back(json::string(problem));
  const json::object out{{"experiment", "lab"},
                         {"ok", run.ok()},
                         {"interrupted", run.interrupted},
                         {"problems", std::move(problems)},
                         {"environment", to_object(run)},
                         {"phases", std::move(phases)},
                         {"cross_check", to_array(run.checks)},
                         {"series", series(run)}};
  return json::serialize(out);
}

}  // namespace quoll::lab::experiments

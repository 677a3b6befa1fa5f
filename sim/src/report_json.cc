#include <boost/json.hpp>
#include <cmath>

#include "assets.h"
#include "quoll/core/breaker_types.h"
#include "quoll/sim/report.h"
#include "quoll/sim/settings.h"

namespace quoll::sim {

namespace {

namespace json = boost::json;

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

const char* to_string(Unit unit) {
  switch (unit) {
    case Unit::count:
      return "count";
    case Unit::per_second:
      return "per_second";
    case Unit::percent:
      return "percent";
    case Unit::millis:
      return "ms";
    case Unit::seconds:
      return "s";
    case Unit::times:
      return "times";
  }
  return "unknown";
}

json::object counts_of(const Counts& counts) {
  return {{"arrived", counts.arrived},          {"good", counts.of(End::good)},
          {"failed", counts.of(End::failed)},   {"refused", counts.of(End::refused)},
          {"gave_up", counts.of(End::gave_up)}, {"attempts", counts.attempts},
          {"retries", counts.retries},          {"hedges", counts.hedges},
          {"timeouts", counts.timeouts},        {"false_timeouts", counts.false_timeouts},
          {"rescued", counts.rescued},          {"wasted", counts.wasted},
          {"backend_full", counts.backend_full}};
}

// Columns, so that a thousand buckets stay small.
json::object series_of(const RunResult& run) {
  json::object out;
  const auto column = [&](const char* name, auto of) {
    json::array values;
    for (const Bucket& bucket : run.buckets) values.push_back(of(bucket));
    out[name] = std::move(values);
  };
  column("from_s", [](const Bucket& b) { return json::value(rounded_seconds(b.from)); });
  column("arrived", [](const Bucket& b) { return json::value(b.counts.arrived); });
  column("good", [](const Bucket& b) { return json::value(b.counts.of(End::good)); });
  column("failed", [](const Bucket& b) { return json::value(b.counts.of(End::failed)); });
  column("refused", [](const Bucket& b) { return json::value(b.counts.of(End::refused)); });
  column("gave_up", [](const Bucket& b) { return json::value(b.counts.of(End::gave_up)); });
  column("attempts", [](const Bucket& b) { return json::value(b.counts.attempts); });
  column("false_timeouts", [](const Bucket& b) { return json::value(b.counts.false_timeouts); });
  const auto latency = [](Duration d) {
    return d == Duration::zero() ? json::value(nullptr) : json::value(rounded_millis(d));
  };
  column("p50_ms", [&](const Bucket& b) { return latency(b.p50); });
  column("p99_ms", [&](const Bucket& b) { return latency(b.p99); });
  column("in_backend", [](const Bucket& b) { return json::value(b.in_backend); });
  column("in_process", [](const Bucket& b) { return json::value(b.in_process); });
  column("timeout_ms", [](const Bucket& b) { return json::value(rounded_millis(b.timeout)); });
  column("limit", [](const Bucket& b) { return json::value(b.limit); });
  column("share", [](const Bucket& b) { return json::value(rounded(b.share)); });
  return out;
}

json::object setup_of(const SetupResult& one) {
  json::object figures;
  for (const Figure& figure : one.figures) {
    figures[figure.key] = std::isnan(figure.value) ? json::value(nullptr) : json::value(rounded(figure.value));
  }
  json::array states;
  for (const StateChange& change : one.run.states) {
    states.push_back({{"t", rounded_seconds(change.at)},
                      {"endpoint", change.endpoint},
                      {"from", core::to_string(change.from)},
                      {"to", core::to_string(change.to)},
                      {"text", change.text}});
  }
  json::array ejections;
  for (const EjectionNote& note : one.run.ejections) {
    ejections.push_back({{"t", rounded_seconds(note.at)},
                         {"endpoint", note.endpoint},
                         {"out_for_s", rounded_seconds(note.out_for)},
                         {"text", note.text}});
  }
  return {{"name", one.setup.name},
          {"note", one.setup.note},
          {"hash", hash_text(one.run.hash)},
          {"events", one.run.events},
          {"figures", std::move(figures)},
          {"total", counts_of(one.run.total)},
          {"policies",
           {{"breaker", one.setup.config.policies.breaker.on},
            {"limit", one.setup.config.policies.concurrency_limit.on},
            {"adaptive", one.setup.config.policies.adaptive_timeout.on},
            {"share", one.setup.config.policies.admission_control.on || one.setup.config.policies.throttle.on}}},
          {"series", series_of(one.run)},
          {"states", std::move(states)},
          {"ejections", std::move(ejections)}};
}

}  // namespace

std::string to_json(const ScenarioResult& result) {
  json::object out{{"scenario", result.name},
                   {"about", result.about},
                   {"seed", result.seed},
                   {"hash", hash_text(result.hash)},
                   {"events", result.events},
                   {"settings", json::value_from(result.settings)},
                   {"sentences", json::value_from(result.sentences)}};
  json::array phases;
  for (const Phase& phase : result.plan.phases) {
    phases.push_back(
        {{"name", phase.name}, {"from_s", rounded_seconds(phase.from)}, {"to_s", rounded_seconds(phase.to)}});
  }
  out["phases"] = std::move(phases);
  json::object config;
  for (const Key& key : keys_of(result.groups)) config[key.name] = shown(result.config, key);
  out["config"] = std::move(config);
  json::array columns;
  for (const Figure& figure : result.setups.front().figures) {
    columns.push_back({{"key", figure.key}, {"title", figure.title}, {"unit", to_string(figure.unit)}});
  }
  out["columns"] = std::move(columns);
  json::array setups;
  for (const SetupResult& one : result.setups) setups.push_back(setup_of(one));
  out["setups"] = std::move(setups);
  return json::serialize(out);
}

std::string to_json(const ReplayResult& result) {
  json::object outcomes;
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    outcomes[core::to_string(static_cast<core::Outcome>(i))] = result.outcomes[i];
  }
  json::array variants;
  for (const VariantReplay& one : result.variants) {
    json::array transitions;
    for (const core::Transition& transition : one.breaker.transitions) {
      transitions.push_back({{"t", rounded_seconds(transition.at.time_since_epoch())},
                             {"from", core::to_string(transition.from)},
                             {"to", core::to_string(transition.to)},
                             {"text", core::explain(transition)}});
    }
    variants.push_back({{"name", one.name},
                        {"breaker",
                         {{"opened", one.breaker.opened},
                          {"not_closed_s", rounded_seconds(one.breaker.open_for)},
                          {"rejected", one.breaker.rejected},
                          {"rejected_good", one.breaker.rejected_good},
                          {"failures_spared", one.breaker.rejected_bad},
                          {"transitions", std::move(transitions)}}},
                        {"adaptive",
                         {{"least_ms", rounded_millis(one.timeout.least)},
                          {"median_ms", rounded_millis(one.timeout.median)},
                          {"most_ms", rounded_millis(one.timeout.most)},
                          {"cut_off", one.timeout.cut_off},
                          {"sooner", one.timeout.sooner},
                          {"sooner_by_ms", rounded_millis(one.timeout.sooner_by)},
                          {"not_sooner", one.timeout.not_sooner}}},
                        {"limit",
                         {{"least", one.limit.least},
                          {"most", one.limit.most},
                          {"at_end", one.limit.at_end},
                          {"refused", one.limit.refused},
                          {"most_in_flight", one.limit.most_in_flight}}}});
  }
  return json::serialize(json::object{{"file", result.file},
                                      {"calls", result.calls},
                                      {"skipped", result.skipped},
                                      {"length_s", rounded_seconds(result.length)},
                                      {"outcomes", std::move(outcomes)},
                                      {"p50_ms", rounded_millis(result.p50)},
                                      {"p99_ms", rounded_millis(result.p99)},
                                      {"variants", std::move(variants)}});
}

std::string_view report_script() {
  return assets::sim_js;
}

}  // namespace quoll::sim

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "assets.h"
#include "quoll/lab/harness/record_json.h"
#include "quoll/lab/harness/report_html.h"
#include "quoll/lab/paradox/report.h"

namespace quoll::lab::paradox {

using harness::Spread;

namespace {

namespace json = boost::json;

json::object to_object(const Spread& spread) {
  return {{"count", spread.count},
          {"p50_ms", rounded_millis(spread.p50)},
          {"p99_ms", rounded_millis(spread.p99)},
          {"max_ms", rounded_millis(spread.max)}};
}

json::object to_object(const Summary& s) {
  return {{"calls", s.calls},
          {"good", s.good},
          {"timeouts", s.timeouts},
          {"rejected", s.rejected},
          {"failed", s.failed},
          {"lost", s.lost},
          {"in_time", s.in_time},
          {"late", s.late},
          {"too_close_to_call", s.close},
          {"false_timeouts", s.false_timeouts},
          {"false_timeout_percent", std::round(s.false_share() * 1e5) / 1e3},
          {"early_timeouts", s.early_timeouts},
          {"never_sent", s.never_sent},
          {"missed_timeouts", s.missed},
          {"missed_by_max_ms", rounded_millis(s.missed_by)},
          {"false_failures", s.false_failures},
          {"lateness", to_object(s.lateness)},
          {"lateness_of_caller", to_object(s.lateness_of_caller)},
          {"latency", to_object(s.latency)},
          {"goodput_per_s", std::round(s.goodput * 10) / 10},
          {"length_s", rounded_seconds(s.length)},
          {"opens", s.opens},
          {"false_opens", s.false_opens},
          {"closes", s.closes},
          {"time_to_open_ms", harness::optional_millis(s.time_to_open)},
          {"time_to_close_ms", harness::optional_millis(s.time_to_close)}};
}

json::array to_array(const std::vector<Sample>& samples) {
  json::array out;
  for (const Sample& one : samples) out.push_back(json::array{rounded_seconds(one.at), rounded_millis(one.value)});
  return out;
}

json::object series_of(const CellRecord& cell) {
  json::array stalls;
  for (const Interval& one : cell.stalls)
    stalls.push_back(json::array{rounded_seconds(one.from), rounded_seconds(one.to)});
  json::array tallies;
  for (const Tally& one : cell.tallies) {
    tallies.push_back(json::array{rounded_seconds(one.at), one.false_timeouts, one.true_timeouts, one.missed});
  }
  json::array changes;
  for (const Change& one : cell.changes) {
    changes.push_back({{"t", rounded_seconds(one.at)}, {"to", one.to}, {"false", one.false_open}});
  }
  return {{"stalls", std::move(stalls)},
          {"outage",
           cell.outage ? json::value(json::array{rounded_seconds(cell.outage->from), rounded_seconds(cell.outage->to)})
                       : json::value(nullptr)},
          {"loop_lag_ms", to_array(cell.loop_lag)},
          {"cpu_wait_ms", to_array(cell.cpu_wait)},
          {"verdicts", std::move(tallies)},
          {"changes", std::move(changes)}};
}

json::object to_object(const CellRecord& cell, const Group& group) {
  json::object out{{"caller", to_string(cell.caller)},
                   {"title", title(cell.caller)},
                   {"breaker", has_breaker(cell.caller)},
                   {"sentence", sentence(cell, group)}};
  if (!cell.skipped.empty()) {
    out["skipped"] = cell.skipped;
    return out;
  }
  if (!cell.problem.empty()) out["problem"] = cell.problem;
  out["command"] = cell.command;
  out["length_s"] = rounded_seconds(cell.length);
  out["summary"] = to_object(cell.summary);
  if (cell.rescued) {
    out["rescued"] = *cell.rescued;
    out["max_loop_lag_ms"] = rounded_millis(cell.max_loop_lag);
  }
  if (cell.unstamped) out["reads_without_stamp"] = *cell.unstamped;
  out["load_average"] = std::round(cell.load_average * 100) / 100;
  out["series"] = series_of(cell);
  return out;
}

json::object to_object(const GroupRecord& record) {
  const Setting setting = setting_of(record.group.backend);
  json::array cells;
  for (const CellRecord& cell : record.cells) cells.push_back(to_object(cell, record.group));
  return {{"pressure", to_string(record.group.pressure)},
          {"backend", to_string(record.group.backend)},
          {"pressure_title", title(record.group.pressure)},
          {"backend_title", title(record.group.backend)},
          {"deadline_ms", rounded_millis(setting.deadline)},
          {"connections", setting.connections},
          {"rate", setting.rate},
          {"cells", std::move(cells)}};
}

}  // namespace

std::string to_json(const Record& run) {
  json::array groups;
  for (const GroupRecord& group : run.groups) groups.push_back(to_object(group));
  json::array sums;
  for (const Total& total : totals(run)) {
    sums.push_back({{"caller", to_string(total.caller)},
                    {"title", title(total.caller)},
                    {"breaker", has_breaker(total.caller)},
                    {"calls", total.calls},
                    {"in_time", total.in_time},
                    {"false_timeouts", total.false_timeouts},
                    {"missed_timeouts", total.missed},
                    {"false_opens", total.false_opens}});
  }
  json::object environment = harness::to_object(run.environment);
  environment["seed"] = run.seed;
  environment["command"] = run.command;
  const json::object out{{"experiment", "paradox"},
                         {"ok", run.ok()},
                         {"interrupted", run.interrupted},
                         {"problems", harness::to_array(run.problems)},
                         {"claims", harness::to_array(claims(run))},
                         {"totals", std::move(sums)},
                         {"guard_band_ms", rounded_millis(run.band)},
                         {"breaker",
                          {{"threshold_percent", kThreshold * 100},
                           {"window_ms", rounded_millis(kWindow)},
                           {"reset_ms", rounded_millis(kReset)}}},
                         {"environment", std::move(environment)},
                         {"groups", std::move(groups)}};
  return json::serialize(out);
}

std::string page(const Record& run) {
  return harness::html_page("Quoll paradox report", to_json(run), assets::paradox_js);
}

}  // namespace quoll::lab::paradox

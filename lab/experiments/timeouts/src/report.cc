// The timeouts' experiment in words, tables and JSON.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "quoll/lab/harness/record_json.h"
#include "quoll/lab/harness/text.h"
#include "quoll/lab/timeouts/timeouts.h"

namespace quoll::lab::timeouts {

using harness::Claim;
using harness::grouped;
using harness::Table;

namespace {

namespace json = boost::json;

std::string whole_ms(Duration d) {
  return fmt::format("{:.0f}", to_millis(d));
}

json::array points(const std::vector<Point>& series) {
  json::array out;
  for (const Point& point : series) out.push_back(json::array{rounded_seconds(point.at), rounded_millis(point.value)});
  return out;
}

json::object cell_json(const Cell& cell) {
  json::array phases;
  for (const PhaseResult& r : cell.phases) {
    phases.push_back(json::object{{"name", r.phase.name},
                                  {"from_s", rounded_seconds(r.phase.from)},
                                  {"to_s", rounded_seconds(r.phase.to)},
                                  {"calls", r.calls},
                                  {"good", r.good},
                                  {"timeouts", r.timeouts},
                                  {"refused", r.refused},
                                  {"other", r.other},
                                  {"p50_ms", rounded_millis(r.p50)},
                                  {"p99_ms", rounded_millis(r.p99)},
                                  {"held_p50_ms", rounded_millis(r.held_p50)},
                                  {"held_p99_ms", rounded_millis(r.held_p99)}});
  }
  return {{"timeout", cell.adaptive ? "adaptive" : "fixed"},
          {"command", cell.command},
          {"phases", std::move(phases)},
          {"goodput_per_s", std::round(cell.goodput * 10) / 10},
          {"cut_off", cell.cut_off},
          {"openings_before_the_hang", cell.openings},
          {"noticed_after_ms", harness::optional_millis(cell.noticed)},
          {"opened_after_ms", harness::optional_millis(cell.opened)},
          {"series", json::object{{"timeout_ms", points(cell.timeout)}, {"p99_ms", points(cell.latency)}}}};
}

std::string after(const std::optional<Duration>& d) {
  return d ? whole_ms(*d) + " ms" : std::string("never");
}

void claim(const ScenarioResult& result, std::vector<Claim>& out) {
  const Cell* fixed = nullptr;
  const Cell* adaptive = nullptr;
  for (const Cell& cell : result.cells) (cell.adaptive ? adaptive : fixed) = &cell;
  if (fixed == nullptr || adaptive == nullptr) return;
  std::uint64_t calls = 0;
  for (const PhaseResult& phase : adaptive->phases) calls += phase.phase.hang ? 0 : phase.calls;
  const bool shift = result.phases_before_hang() > 1;
  // A shift up cuts off those under way while the timeout follows: a quarter of a second's calls at most. Else 1 %.
  const std::uint64_t allowed = shift ? kRate / 4 : calls / 100;
  out.push_back(
      {adaptive->cut_off <= allowed && adaptive->openings == 0,
       fmt::format("{}: the adaptive timeout cut off {} of {} answers that would have come ({} allowed) and "
                   "opened the circuit {} times before the hang",
                   result.scenario.name, grouped(adaptive->cut_off), grouped(calls), allowed, adaptive->openings)});
  const double ratio = fixed->noticed && adaptive->noticed && *adaptive->noticed > Duration::zero()
                           ? to_seconds(*fixed->noticed) / to_seconds(*adaptive->noticed)
                           : 0;
  const double enough = shift ? 1.2 : 2.5;
  out.push_back({ratio >= enough,
                 fmt::format("{}: the hang was noticed after {} instead of {}: {:.1f} times sooner (at least {})",
                             result.scenario.name, after(adaptive->noticed), after(fixed->noticed), ratio, enough)});
}

}  // namespace

std::size_t ScenarioResult::phases_before_hang() const {
  return static_cast<std::size_t>(
      std::count_if(scenario.phases.begin(), scenario.phases.end(), [](const Phase& p) { return !p.hang; }));
}

std::vector<Claim> claims(const Record& record) {
  std::vector<Claim> out;
  for (const ScenarioResult& result : record.scenarios) claim(result, out);
  return out;
}

bool Record::ok() const {
  const std::vector<Claim> all = claims(*this);
  return problems.empty() && !all.empty() && std::all_of(all.begin(), all.end(), [](const Claim& c) { return c.pass; });
}

std::vector<std::string> table_of(const ScenarioResult& result) {
  Table table({"timeout", "phase", "calls", "good", "timeouts", "refused", "p50 ms", "p99 ms", "held ms"});
  for (const Cell& cell : result.cells) {
    for (const PhaseResult& r : cell.phases) {
      table.add({cell.adaptive ? "adaptive" : "fixed " + format_duration(kFixed), r.phase.name, grouped(r.calls),
                 grouped(r.good), grouped(r.timeouts), grouped(r.refused), whole_ms(r.p50), whole_ms(r.p99),
                 r.timeouts == 0 ? "-" : whole_ms(r.held_p50) + " / " + whole_ms(r.held_p99)});
    }
  }
  std::vector<std::string> lines = table.lines();
  for (const Cell& cell : result.cells) {
    lines.push_back(
        fmt::format("{}: cut off {}, openings before the hang {}; hang noticed after {}, open after {}; "
                    "{:.0f} good answers a second before it",
                    cell.adaptive ? "adaptive" : "fixed", cell.cut_off, cell.openings, after(cell.noticed),
                    after(cell.opened), cell.goodput));
  }
  return lines;
}

std::string to_json(const Record& record) {
  json::array scenarios;
  for (const ScenarioResult& result : record.scenarios) {
    json::array cells;
    for (const Cell& cell : result.cells) cells.push_back(cell_json(cell));
    scenarios.push_back(
        json::object{{"name", result.scenario.name}, {"title", result.scenario.title}, {"cells", std::move(cells)}});
  }
  return json::serialize(json::object{{"experiment", "timeouts"},
                                      {"ok", record.ok()},
                                      {"seed", record.seed},
                                      {"command", record.command},
                                      {"fixed_ms", rounded_millis(kFixed)},
                                      {"rate", kRate},
                                      {"latency_step_s", rounded_seconds(kLatencyStep)},
                                      {"environment", harness::to_object(record.environment)},
                                      {"claims", harness::to_array(claims(record))},
                                      {"problems", harness::to_array(record.problems)},
                                      {"interrupted", record.interrupted},
                                      {"scenarios", std::move(scenarios)}});
}

}  // namespace quoll::lab::timeouts

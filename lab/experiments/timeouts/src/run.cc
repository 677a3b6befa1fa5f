#include <fmt/format.h>

#include "assets.h"
#include "quoll/lab/harness/report_html.h"
#include "quoll/lab/harness/run.h"
#include "quoll/lab/timeouts/timeouts.h"

namespace quoll::lab::timeouts {

namespace {

// One scenario, with each kind of timeout. False when the run shall end.
bool run_scenario(harness::Run& run, ScenarioResult& result) {
  run.line("\n" + result.scenario.title);
  for (const bool adaptive : {false, true}) {
    const char* kind = adaptive ? "adaptive" : "fixed";
    auto cell = run_cell(run.context(), result.scenario, adaptive);
    if (!cell) {
      if (!run.failed(fmt::format("{}, {}", result.scenario.name, kind), cell.error())) return false;
      continue;
    }
    run.line(fmt::format("  {}: {} answers cut off, {} openings before the hang; noticed after {}", kind, cell->cut_off,
                         cell->openings,
                         cell->noticed ? fmt::format("{:.0f} ms", to_millis(*cell->noticed)) : "never"));
    result.cells.push_back(std::move(*cell));
  }
  return true;
}

}  // namespace

int run(const harness::RunOptions& options) {
  Record record;
  harness::Run run("timeouts", options, record);
  if (!run.ready()) return 1;
  const std::vector<Scenario> plan = scenarios(options.quick);
  Duration expected{};
  for (const Scenario& scenario : plan) expected += 2 * (scenario.phases.back().to + std::chrono::seconds(2));
  run.line(fmt::format("Quoll timeouts: fixed {} against adaptive, {} calls a second, about {}; seed {}.",
                       format_duration(kFixed), kRate, humanize(expected), record.seed));
  for (const Scenario& scenario : plan) {
    record.scenarios.push_back({scenario, {}});
    if (!run_scenario(run, record.scenarios.back())) break;
  }
  for (const ScenarioResult& result : record.scenarios) {
    if (result.cells.empty()) continue;
    run.line("\n" + result.scenario.title);
    run.lines(table_of(result));
  }
  run.line("");
  run.claims(claims(record));
  const std::string json = to_json(record);
  return run.finish(record.ok(), json, harness::html_page("Quoll timeouts report", json, assets::timeouts_js));
}

}  // namespace quoll::lab::timeouts

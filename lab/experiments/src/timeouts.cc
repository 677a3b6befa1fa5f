#include "quoll/lab/experiments/timeouts.h"

#include <fmt/format.h>

#include "assets.h"
#include "quoll/base/rng.h"
#include "quoll/lab/experiments/environment.h"
#include "quoll/lab/experiments/run_guard.h"
#include "run_output.h"

namespace quoll::lab::experiments::timeouts {

namespace {

// One scenario, with each kind of timeout. False when the run shall end.
bool run_scenario(const Scenario& scenario, const PartsContext& context, Record& record, RunOutput& out) {
  record.scenarios.push_back({scenario, {}});
  ScenarioResult& result = record.scenarios.back();
  out.line("\n" + scenario.title);
  for (const bool adaptive : {false, true}) {
    const char* kind = adaptive ? "adaptive" : "fixed";
    auto cell = run_cell(context, scenario, adaptive);
    if (!cell && cell.error().code == "stopped") {
      record.interrupted = true;
      return false;
    }
    if (!cell) {
      record.problems.push_back(fmt::format("{}, {}: {}", scenario.name, kind, cell.error().message));
      out.line("  FAIL  " + record.problems.back());
      continue;
    }
    out.line(fmt::format("  {}: {} answers cut off, {} openings before the hang; noticed after {}", kind, cell->cut_off,
                         cell->openings,
                         cell->noticed ? fmt::format("{:.0f} ms", to_millis(*cell->noticed)) : "never"));
    result.cells.push_back(std::move(*cell));
  }
  return true;
}

}  // namespace

int run(const Options& options) {
  RunOutput out("quoll lab timeouts", options.json);
  const Signals signals;
  const Scratch scratch;
  if (scratch.path().empty()) {
    out.fault("cannot make a folder for temporary files");
    return 1;
  }
  Record record;
  record.environment = read_environment();
  record.seed = options.seed != 0 ? options.seed : random_seed() % 1'000'000 + 1;
  record.command = options.command;
  const PartsContext context{options.program, scratch.path(), record.seed, [](Duration d) { return Signals::rest(d); }};
  const std::vector<Scenario> plan = scenarios(options.quick);
  Duration expected{};
  for (const Scenario& scenario : plan) expected += 2 * (scenario.phases.back().to + std::chrono::seconds(2));
  out.line(fmt::format("Quoll timeouts: fixed {} against adaptive, {} calls a second, about {}; seed {}.",
                       format_duration(kFixed), kRate, humanize(expected), record.seed));
  for (const Scenario& scenario : plan) {
    if (!run_scenario(scenario, context, record, out)) break;
  }
  for (const ScenarioResult& result : record.scenarios) {
    if (result.cells.empty()) continue;
    out.line("\n" + result.scenario.title);
    out.lines(table_of(result));
  }
  out.line("");
  for (const Claim& claim : claims(record)) out.line((claim.pass ? "PASS  " : "FAIL  ") + claim.text);
  const std::string json = to_json(record);
  const bool written = out.save(options.report, html_page("Quoll timeouts report", json, assets::timeouts_js), json);
  out.line(fmt::format("Repeat with --seed {}.", record.seed));
  if (record.interrupted) return 130;
  return record.ok() && written ? 0 : 1;
}

}  // namespace quoll::lab::experiments::timeouts

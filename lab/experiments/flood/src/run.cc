#include <fmt/format.h>

#include <cmath>

#include "assets.h"
#include "quoll/lab/flood/flood.h"
#include "quoll/lab/harness/report_html.h"
#include "quoll/lab/harness/run.h"
#include "quoll/lab/harness/text.h"

namespace quoll::lab::flood {

using harness::grouped;

namespace {

// A cell's error. False when the run shall end.
bool failed(harness::Run& run, Group& group, const std::string& cell, const Error& error) {
  if (error.code != "not_permitted") return run.failed(fmt::format("{}, {}", to_string(group.bottleneck), cell), error);
  group.skipped = error.message;
  run.line("  SKIPPED: a CPU quota is not permitted here: " + error.message);
  return true;
}

// False when the run shall end.
bool run_group(harness::Run& run, Group& group, bool quick) {
  run.line(fmt::format("\n{}", title(group.bottleneck)));
  const auto capacity = measure_capacity(run.context(), group.bottleneck, quick);
  if (!capacity) return failed(run, group, "capacity", capacity.error());
  group.capacity = *capacity;
  run.line(fmt::format("  capacity: {} answers a second", grouped(std::llround(group.capacity))));
  for (const unsigned factor : kFactors) {
    for (const bool controlled : {false, true}) {
      auto cell = run_cell(run.context(), group.bottleneck, group.capacity, factor, controlled,
                           std::chrono::seconds(quick ? 5 : 8));
      const std::string name = fmt::format("{}x, {}", factor, controlled ? "controlled" : "uncontrolled");
      if (!cell) {
        if (!failed(run, group, name, cell.error())) return false;
        continue;
      }
      run.line(fmt::format("  {}: {} good answers a second", name, grouped(std::llround(cell->goodput))));
      group.cells.push_back(std::move(*cell));
    }
  }
  return true;
}

}  // namespace

int run(const harness::RunOptions& options) {
  Record record;
  harness::Run run("flood", options, record);
  if (!run.ready()) return 1;
  run.line(fmt::format("Quoll flood: an open load of 1, 2 and 5 times the capacity, about {}; seed {}.",
                       options.quick ? "80s" : "2m30s", record.seed));
  for (const Bottleneck bottleneck : {Bottleneck::proxy, Bottleneck::backend}) {
    record.groups.push_back({.bottleneck = bottleneck});
    if (!run_group(run, record.groups.back(), options.quick)) break;
  }
  for (const Group& group : record.groups) {
    if (group.cells.empty()) continue;
    run.line(fmt::format("\n{}; capacity {}/s, deadline {}", title(group.bottleneck),
                         grouped(std::llround(group.capacity)), format_duration(kDeadline)));
    run.lines(table_of(group));
  }
  run.line("");
  run.claims(claims(record));
  const std::string json = to_json(record);
  return run.finish(record.ok(), json, harness::html_page("Quoll flood report", json, assets::flood_js));
}

}  // namespace quoll::lab::flood

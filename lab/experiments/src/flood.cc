#include "quoll/lab/experiments/flood.h"

#include <fmt/format.h>

#include <cmath>

#include "assets.h"
#include "quoll/base/rng.h"
#include "quoll/lab/experiments/environment.h"
#include "quoll/lab/experiments/run_guard.h"
#include "quoll/lab/experiments/text.h"
#include "run_output.h"

namespace quoll::lab::experiments::flood {

namespace {

class Run {
 public:
  Run(const Options& options, const PartsContext& context, Record& record, RunOutput& out)
      : options_(options), context_(context), record_(record), out_(out) {}

  // False when the run shall end.
  bool group(Bottleneck bottleneck) {
    record_.groups.push_back({.bottleneck = bottleneck});
    Group& group = record_.groups.back();
    out_.line(fmt::format("\n{}", title(bottleneck)));
    const auto capacity = measure_capacity(context_, bottleneck, options_.quick);
    if (!capacity) return failed(group, "capacity", capacity.error());
    group.capacity = *capacity;
    out_.line(fmt::format("  capacity: {} answers a second", grouped(std::llround(group.capacity))));
    for (const unsigned factor : kFactors) {
      for (const bool controlled : {false, true}) {
        auto cell = run_cell(context_, bottleneck, group.capacity, factor, controlled,
                             std::chrono::seconds(options_.quick ? 5 : 8));
        const std::string name = fmt::format("{}x, {}", factor, controlled ? "controlled" : "uncontrolled");
        if (!cell) {
          if (!failed(group, name, cell.error())) return false;
          continue;
        }
        out_.line(fmt::format("  {}: {} good answers a second", name, grouped(std::llround(cell->goodput))));
        group.cells.push_back(std::move(*cell));
      }
    }
    return true;
  }

 private:
  bool failed(Group& group, const std::string& what, const Error& error) {
    if (error.code == "stopped") {
      record_.interrupted = true;
      return false;
    }
    if (error.code == "not_permitted") {
      group.skipped = error.message;
      out_.line("  SKIPPED: a CPU quota is not permitted here: " + error.message);
      return true;
    }
    record_.problems.push_back(fmt::format("{}, {}: {}", to_string(group.bottleneck), what, error.message));
    out_.line("  FAIL  " + record_.problems.back());
    return true;
  }

  const Options& options_;
  const PartsContext& context_;
  Record& record_;
  RunOutput& out_;
};

}  // namespace

int run(const Options& options) {
  RunOutput out("quoll lab flood", options.json);
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
  out.line(fmt::format("Quoll flood: an open load of 1, 2 and 5 times the capacity, about {}; seed {}.",
                       options.quick ? "80s" : "2m30s", record.seed));
  Run steps(options, context, record, out);
  for (const Bottleneck bottleneck : {Bottleneck::proxy, Bottleneck::backend}) {
    if (!steps.group(bottleneck)) break;
  }
  for (const Group& group : record.groups) {
    if (group.cells.empty()) continue;
    out.line(fmt::format("\n{}; capacity {}/s, deadline {}", title(group.bottleneck),
                         grouped(std::llround(group.capacity)), format_duration(kDeadline)));
    out.lines(table_of(group));
  }
  out.line("");
  for (const Claim& claim : claims(record)) out.line((claim.pass ? "PASS  " : "FAIL  ") + claim.text);
  const std::string json = to_json(record);
  const bool written = out.save(options.report, html_page("Quoll flood report", json, assets::flood_js), json);
  out.line(fmt::format("Repeat with --seed {}.", record.seed));
  if (record.interrupted) return 130;
  return record.ok() && written ? 0 : 1;
}

}  // namespace quoll::lab::experiments::flood

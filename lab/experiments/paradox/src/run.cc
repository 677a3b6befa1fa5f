#include <fmt/format.h>

#include <cstdio>

#include "quoll/lab/harness/run.h"
#include "quoll/lab/paradox/cell.h"
#include "quoll/lab/paradox/paradox.h"
#include "quoll/lab/paradox/report.h"

namespace quoll::lab::paradox {

namespace {

std::string heading(const Group& group) {
  return fmt::format("{}; {}", title(group.pressure), title(group.backend));
}

// False when the run shall end.
bool run_group(harness::Run& run, const CellContext& context, Record& record, GroupRecord& group) {
  run.lines({"", heading(group.group)});
  for (const Caller caller : group.group.callers) {
    run.progress(fmt::format("  {} ...", title(caller)));
    auto done = CellRun(context, group.group, caller).run();
    if (!done) {
      if (!run.failed(fmt::format("{}, {}, {}", title(caller), title(group.group.pressure), title(group.group.backend)),
                      done.error())) {
        return false;
      }
      continue;
    }
    if (!done->problem.empty()) record.problems.push_back(fmt::format("{}: {}", title(caller), done->problem));
    run.line(cell_line(*done));
    group.cells.push_back(std::move(*done));
  }
  return true;
}

}  // namespace

int run(const Options& options) {
  const std::vector<Group> plan = make_plan(options.choice, options.quick);
  if (plan.empty()) {
    fmt::print(stderr,
               "quoll lab paradox: no cell is left: none of these callers takes part in these pressures and "
               "backends; loop100 and loop600 need quoll, quoll-timer or one of Node's\n");
    return 2;
  }
  Record record;
  record.band = options.band;
  harness::Run run("paradox", options, record);
  if (!run.ready()) return 1;
  std::size_t cells = 0;
  for (const Group& group : plan) cells += group.callers.size();
  run.lines({fmt::format("Quoll paradox: {} cells, one after another, about {}; seed {}.", cells,
                         humanize(expected(plan)), record.seed),
             "false: timeouts of answers in time; missed: late answers passed on as good;",
             "late ms: how late right timeouts came, p99 / max; (n): false openings."});
  const CellContext context{.parts = run.context(), .peers = options.peers, .band = options.band};
  for (const Group& group : plan) {
    record.groups.push_back({group, {}});
    if (!run_group(run, context, record, record.groups.back())) break;
  }
  for (const GroupRecord& group : record.groups) {
    if (group.cells.empty()) continue;
    run.lines({"", heading(group.group)});
    run.lines(group_table(group));
  }
  run.lines(closing(record));
  return run.finish(record.ok(), to_json(record), page(record));
}

}  // namespace quoll::lab::paradox

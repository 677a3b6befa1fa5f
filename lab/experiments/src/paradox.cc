#include "quoll/lab/experiments/paradox.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "quoll/base/rng.h"
#include "quoll/lab/experiments/environment.h"
#include "quoll/lab/experiments/paradox_cell.h"
#include "quoll/lab/experiments/paradox_report.h"
#include "quoll/lab/experiments/report_html.h"
#include "quoll/lab/experiments/run_guard.h"
#include "quoll/lab/experiments/text.h"

namespace quoll::lab::experiments::paradox {

namespace {

class Run {
 public:
  Run(const ParadoxOptions& options, std::vector<Group> plan)
      : options_(options), plan_(std::move(plan)), out_(options.json == "-" ? stderr : stdout) {
    record_.environment = read_environment();
    record_.seed = options.seed != 0 ? options.seed : random_seed() % 1'000'000 + 1;
    record_.band = options.band;
    record_.command = options.command;
    context_.program = options.program;
    context_.peers = options.peers;
    context_.scratch = scratch_.path();
    context_.seed = record_.seed;
    context_.band = options.band;
    context_.rest = [](Duration d) { return Signals::rest(d); };
  }

  int go() {
    if (scratch_.path().empty()) {
      std::fprintf(stderr, "quoll lab paradox: cannot make a folder in %s\n",
                   std::filesystem::temp_directory_path().c_str());
      return 1;
    }
    std::size_t cells = 0;
    for (const Group& group : plan_) cells += group.callers.size();
    print({fmt::format("Quoll paradox: {} cells, one after another, about {}; seed {}.", cells,
                       humanize(expected(plan_)), record_.seed),
           "false: timeouts of answers in time; missed: late answers passed on as good;",
           "late ms: how late right timeouts came, p99 / max; (n): false openings."});
    for (const Group& group : plan_) {
      if (record_.interrupted) break;
      run_group(group);
    }
    return finish();
  }

 private:
  void print(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }

  void run_group(const Group& group) {
    print({"", fmt::format("{}; {}", title(group.pressure), title(group.backend))});
    record_.groups.push_back({group, {}});
    GroupRecord& record = record_.groups.back();
    const bool terminal = ::isatty(::fileno(out_)) != 0;
    for (const Caller caller : group.callers) {
      if (terminal) {
        std::fprintf(out_, "  %s ...\r", std::string(title(caller)).c_str());
        std::fflush(out_);
      }
      CellRun cell(context_, record.group, caller);
      auto done = cell.run();
      if (!done && done.error().code == "stopped") {
        record_.interrupted = true;
        return;
      }
      if (!done) {
        record_.problems.push_back(fmt::format("{}, {}, {}: {}", title(caller), title(group.pressure),
                                               title(group.backend), done.error().message));
        print({"  FAIL  " + record_.problems.back()});
        continue;
      }
      if (!done->problem.empty()) record_.problems.push_back(fmt::format("{}: {}", title(caller), done->problem));
      print({cell_line(*done)});
      record.cells.push_back(std::move(*done));
    }
  }

  int finish() {
    for (const GroupRecord& group : record_.groups) {
      if (group.cells.empty()) continue;
      print({"", fmt::format("{}; {}", title(group.group.pressure), title(group.group.backend))});
      print(group_table(group));
    }
    print(closing(record_));
    bool written = save(options_.report, options_.report.empty() ? "" : page(record_), "Report");
    if (options_.json == "-") {
      std::printf("%s\n", to_json(record_).c_str());
    } else {
      written = save(options_.json, options_.json.empty() ? "" : to_json(record_) + "\n", "JSON") && written;
    }
    print({fmt::format("Repeat with --seed {}.", record_.seed)});
    if (record_.interrupted) return 130;
    return record_.ok() && written ? 0 : 1;
  }

  bool save(const std::string& path, const std::string& text, const char* what) {
    if (path.empty()) return true;
    const Result<void> saved = write_file(path, text);
    if (saved) {
      print({fmt::format("{}: {}", what, path)});
    } else {
      std::fprintf(stderr, "quoll lab paradox: %s\n", saved.error().message.c_str());
    }
    return saved.has_value();
  }

  const ParadoxOptions& options_;
  const std::vector<Group> plan_;
  std::FILE* out_;
  Scratch scratch_;
  CellContext context_;
  ParadoxRecord record_;
};

}  // namespace

int run_paradox(const ParadoxOptions& options) {
  std::vector<Group> plan = make_plan(options.choice);
  if (plan.empty()) {
    std::fprintf(stderr,
                 "quoll lab paradox: no cell is left: none of these callers takes part in these pressures and "
                 "backends; loop100 and loop600 need quoll, quoll-timer or one of Node's\n");
    return 2;
  }
  const Signals signals;
  return Run(options, std::move(plan)).go();
}

}  // namespace quoll::lab::experiments::paradox

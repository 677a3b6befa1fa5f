#include "quoll/lab/demo/demo.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "quoll/base/file.h"
#include "quoll/lab/demo/driver.h"
#include "quoll/lab/demo/live_view.h"
#include "quoll/lab/demo/text_report.h"
#include "quoll/lab/harness/environment.h"

namespace quoll::lab::demo {

namespace {

// Where the run is shown while it lasts: the screen, or plain lines.
class View {
 public:
  View(const Options& options, const Recorder& recorder)
      : recorder_(recorder), out_(options.json == "-" ? stderr : stdout) {
    if (options.live && options.json.empty()) live_ = terminal_.open(STDOUT_FILENO);
  }

  void refresh() {
    if (live_) {
      const Screen screen = terminal_.screen();
      const Duration now = recorder_.now();
      terminal_.show(recorder_.read([&](const RunRecord& run) { return draw(run, now, screen); }));
      return;
    }
    print(recorder_.read([&](const RunRecord& run) { return plain_.news(run); }));
  }
  // Back to plain lines, for good.
  void leave() {
    terminal_.close();
    live_ = false;
  }
  void print(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }
  bool colours() const { return ::isatty(::fileno(out_)) != 0 && std::getenv("NO_COLOR") == nullptr; }

 private:
  const Recorder& recorder_;
  std::FILE* out_;
  Terminal terminal_;
  PlainView plain_;
  bool live_ = false;
};

RunRecord describe(const Options& options, std::uint64_t seed, const std::vector<Phase>& plan) {
  RunRecord run;
  run.environment = harness::read_environment();
  run.seed = seed;
  run.quick = options.quick;
  run.verdict = options.verdict;
  run.rate = options.rate;
  run.connections = options.connections;
  // Starting the load takes a moment in each phase.
  run.planned = total_length(plan) + std::chrono::milliseconds(250) * static_cast<std::int64_t>(plan.size());
  return run;
}

void keep_until_stopped(const System& system, const StopSignal& stop, View& view) {
  view.print(
      {"", fmt::format("Backend and proxy stay up until Ctrl-C; try: curl -s http://127.0.0.1:{}/circuit-status, or "
                       "look at http://localhost:{}/dashboard",
                       system.proxy_port(), system.admin_port())});
  while (!stop.wait_for(std::chrono::hours(1))) {
  }
}

int finish(const Options& options, const Recorder& recorder, View& view) {
  view.refresh();
  view.leave();
  const RunRecord run = recorder.read([](const RunRecord& one) { return one; });
  view.print(text_report(run, view.colours()));
  bool written = true;
  if (!options.report.empty()) {
    const Result<void> saved = write_file(options.report, page(run));
    written = saved.has_value();
    view.print({"", written ? "Report: " + options.report + " (open it in a browser)"
                            : "quoll lab: " + saved.error().message});
  }
  view.print({fmt::format("Seed: {} (repeat with --seed {})", run.seed, run.seed)});
  if (options.json == "-") std::printf("%s\n", to_json(run).c_str());
  if (run.interrupted) return 130;
  return run.ok() && written ? 0 : 1;
}

}  // namespace

int run(const Options& options) {
  StopSignal stop;
  const StopOnSignals signals(stop);
  const std::uint64_t seed = harness::seed_of(options);
  const unsigned cores = harness::usable_cores();
  const std::vector<Phase> plan = make_plan(
      {.quick = options.quick, .arrival = options.verdict == "arrival", .burn_cores = std::max(1U, cores / 2)});
  Recorder recorder(describe(options, seed, plan));
  System system({.program = options.program,
                 .only_default_ports = options.ports == Ports::only_default,
                 .quick = options.quick,
                 .verdict = options.verdict,
                 .rate = options.rate,
                 .connections = options.connections,
                 .seed = seed,
                 .stop = stop});
  const Result<void> started = system.start();
  if (!started) {
    if (started.error().code == "stopped") return 130;
    std::fprintf(stderr, "quoll lab: %s\n", started.error().message.c_str());
    return started.error().code == "port_in_use" ? 2 : 1;
  }
  recorder.change([&](RunRecord& run) { run.breaker = system.breaker(); });

  View view(options, recorder);
  std::vector<std::string> opening = {
      fmt::format("Quoll lab: backend, proxy, pressure and load as separate processes, {} phases, about {}.",
                  plan.size(), humanize(total_length(plan))),
      fmt::format("Breaker: {}.", system.breaker()),
      fmt::format("Live page: http://localhost:{}/dashboard", system.admin_port())};
  opening.insert(opening.end(), system.notes().begin(), system.notes().end());
  Driver driver(system, recorder, stop, [&] { view.refresh(); });
  view.print(opening);
  driver.run(plan);
  const int code = finish(options, recorder, view);
  if (options.keep && !stop.requested()) keep_until_stopped(system, stop, view);
  return code;
}

}  // namespace quoll::lab::demo

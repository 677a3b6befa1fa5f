// quoll sim: core's policies against a modelled world, in virtual time; and against recorded calls.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "quoll/base/file.h"
#include "quoll/base/time.h"
#include "quoll/lab/harness/report_html.h"
#include "quoll/sim/report.h"
#include "quoll/sim/scenario.h"
#include "quoll/sim/settings.h"

namespace quoll::apps {

namespace {

// As typed.
struct SimArguments {
  std::string scenario;
  bool list = false;
  std::uint64_t seed = 1;
  std::vector<std::string> settings;
  std::string json;
  std::string report;
  std::string fault = "none";
};
struct ReplayArguments {
  std::string trace;
  std::vector<std::string> settings;
  std::string json;
};

int bad_usage(const char* command, const std::string& faults) {
  std::size_t from = 0;
  while (from <= faults.size()) {
    const std::size_t end = std::min(faults.find('\n', from), faults.size());
    fmt::print(stderr, "{}: {}\n", command, faults.substr(from, end - from));
    from = end + 1;
  }
  return 2;
}

// "-": standard output. False when it cannot be written; that has been said then.
bool write(const char* command, const std::string& path, const std::string& text) {
  if (path == "-") {
    fmt::print("{}\n", text);
    return std::fflush(stdout) == 0;
  }
  const auto written = write_file(path, text + "\n");
  if (!written) bad_usage(command, written.error().message);
  return written.has_value();
}

int list() {
  for (const sim::Scenario& scenario : sim::scenarios()) {
    fmt::print("{}\n    {}\n    course.severity: {}\n", scenario.name, scenario.about, scenario.severity);
    std::string keys;
    for (const sim::Key& key : sim::keys_of(scenario.groups)) {
      keys += (keys.empty() ? "" : " ") + fmt::format("{}={}", key.name, sim::shown(scenario.defaults(), key));
    }
    fmt::print("    --set: {}\n", keys);
  }
  fmt::print("replay TRACE\n    what a breaker, an adaptive timeout and a concurrency limit would have done\n");
  return 0;
}

int simulate(const SimArguments& a) {
  constexpr const char* kName = "quoll sim";
  if (a.list) return list();
  if (a.scenario.empty()) return bad_usage(kName, "which scenario? --list tells them");
  const auto scenario = sim::find_scenario(a.scenario);
  if (!scenario) return bad_usage(kName, scenario.error().message);
  const auto fault = sim::parse_fault(a.fault);
  if (!fault) return bad_usage(kName, "--inject: " + fault.error().message);

  sim::ScenarioOptions options{.seed = a.seed, .settings = a.settings, .fault = *fault, .progress = {}};
  // One line that is written over, where somebody looks.
  if (isatty(STDERR_FILENO) == 1) {
    options.progress = [](const sim::Setup& setup) { fmt::print(stderr, "\r\x1b[K{}...", setup.name); };
  }
  const TimePoint started = steady_now();
  const auto result = sim::run_scenario(**scenario, options);
  const double took = to_seconds(steady_now() - started);
  if (options.progress) fmt::print(stderr, "\r\x1b[K");
  if (!result) {
    bad_usage(kName, result.error().message);
    return result.error().code == "invariant" ? 1 : 2;
  }
  if (a.json != "-") {
    fmt::print("{}", sim::to_text(*result));
    const double virtual_time = to_seconds(result->plan.phases.back().to) * static_cast<double>(result->setups.size());
    fmt::print("{:.0f} s of virtual time in {:.2f} s, {:.1f} million events a second\n", virtual_time, took,
               static_cast<double>(result->events) / took / 1e6);
  }
  if (!a.json.empty() && !write(kName, a.json, sim::to_json(*result))) return 2;
  if (!a.report.empty()) {
    const std::string page =
        lab::harness::html_page("Quoll sim: " + result->name, sim::to_json(*result), sim::report_script());
    if (!write(kName, a.report, page)) return 2;
    if (a.json != "-") fmt::print("report: {}\n", a.report);
  }
  return 0;
}

int replay(const ReplayArguments& a) {
  constexpr const char* kName = "quoll sim replay";
  const auto variants = sim::parse_variants(a.settings);
  if (!variants) return bad_usage(kName, variants.error().message);
  constexpr std::size_t kMostBytes = 1U << 30U;
  const auto text = read_file(a.trace, kMostBytes);
  if (!text) return bad_usage(kName, text.error().message);
  const auto trace = sim::parse_trace(*text, a.trace);
  if (!trace) return bad_usage(kName, trace.error().message);
  const sim::ReplayResult result = sim::replay(*trace, a.trace, *variants);
  if (a.json != "-") fmt::print("{}", sim::to_text(result));
  if (!a.json.empty() && !write(kName, a.json, sim::to_json(result))) return 2;
  return 0;
}

void add_replay(Command sim) {
  auto a = std::make_shared<ReplayArguments>();
  const Command command = sim.subcommand(
      "replay", "what a breaker, an adaptive timeout and a concurrency limit would have done to recorded calls");
  command.option("trace", a->trace, "CSV: time,latency,outcome; or what quoll load --requests-log wrote")
      .required()
      .type("TRACE");
  command.option("--set", a->settings, "an option, or one of a variant: breaker.window=5s, quick:breaker.window=2s")
      .repeatable()
      .type("[NAME:]KEY=VALUE");
  command.option("--json", a->json, "the result as one JSON object; - for standard output").type("FILE");
  command.runs([a] { return replay(*a); });
}

}  // namespace

void add_sim(Command app) {
  auto a = std::make_shared<SimArguments>();
  const Command command =
      app.subcommand("sim", "simulate policies against a modelled backend, seeded, in virtual time");
  command.option("scenario", a->scenario, "which one; --list tells them").type("SCENARIO");
  command.flag("--list", a->list, "the scenarios with their settings");
  command.option("--seed", a->seed, "the same one gives the same run, event for event").show_default();
  command.option("--set", a->settings, "an option of the model or of a policy; may be repeated")
      .repeatable()
      .type("KEY=VALUE");
  command.option("--json", a->json, "the result as one JSON object; - for standard output").type("FILE");
  command.option("--report", a->report, "an HTML report with charts").type("FILE.html");
  command
      .option("--inject", a->fault,
              "a bug put into the simulator, to see a check fail: leak_permit, end_twice, lose_request, "
              "overspend_budget, extra_trial, turn_back")
      .type("FAULT");
  add_replay(command);
  command.runs([a] { return simulate(*a); });
}

}  // namespace quoll::apps

#include "quoll/sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "quoll/base/rng.h"
#include "quoll/sim/settings.h"
#include "scenarios.h"

namespace quoll::sim {

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> kAll = {outage_scenario(),       slow_scenario(),  retry_storm_scenario(),
                                             overload_scenario(),     stall_scenario(), bad_endpoint_scenario(),
                                             latency_shift_scenario()};
  return kAll;
}

Result<const Scenario*> find_scenario(std::string_view name) {
  std::string known;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name == name) return &scenario;
    known += (known.empty() ? "" : ", ") + scenario.name;
  }
  return Error{fmt::format("no scenario '{}'; there are: {}, and replay", name, known), "usage"};
}

double SetupResult::figure(std::string_view key) const {
  for (const Figure& each : figures) {
    if (each.key == key) return each.value;
  }
  return kNever;
}

namespace {

// What is wrong with any of the set-ups, each fault once.
std::string faults_of(const std::vector<Setup>& setups) {
  std::vector<std::string> seen;
  std::string text;
  for (const Setup& setup : setups) {
    for (std::string& fault : setup.config.validate()) {
      if (std::find(seen.begin(), seen.end(), fault) != seen.end()) continue;
      text += (text.empty() ? "" : "\n") + fault;
      seen.push_back(std::move(fault));
    }
  }
  return text;
}

}  // namespace

Result<ScenarioResult> run_scenario(const Scenario& scenario, const ScenarioOptions& options) {
  Config config = scenario.defaults();
  std::string faults;
  for (const std::string& setting : options.settings) {
    const auto applied = apply(config, setting, scenario.groups);
    if (!applied) faults += (faults.empty() ? "" : "\n") + applied.error().message;
  }
  if (!faults.empty()) return Error{faults, "usage"};
  // First alone: a plan may need it valid.
  const std::vector<Setup> setups = scenario.setups(config);
  faults = faults_of(setups);
  if (!faults.empty()) return Error{faults, "usage"};

  ScenarioResult result;
  result.name = scenario.name;
  result.about = scenario.about;
  result.seed = options.seed;
  result.settings = options.settings;
  result.plan = scenario.plan(config);
  result.config = config;
  result.groups = scenario.groups;
  for (const Setup& setup : setups) {
    if (options.progress) options.progress(setup);
    auto ran = run(setup.config, result.plan, options.seed, options.fault);
    if (!ran)
      return Error{fmt::format("{}, set-up '{}': {}", scenario.name, setup.name, ran.error().message),
                   ran.error().code};
    result.hash = splitmix64(result.hash ^ ran->hash);
    result.events += ran->events;
    SetupResult one{.setup = setup, .run = std::move(*ran), .figures = {}};
    one.figures = scenario.figures(setup, result.plan, one.run);
    result.setups.push_back(std::move(one));
  }
  result.sentences = scenario.say(result.setups);
  return result;
}

}  // namespace quoll::sim

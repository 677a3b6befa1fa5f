// Scenarios: a course of events, several policy set-ups that go through it under the same seed, and what to look at.
//
// Thread-safe: free functions over constant tables.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/sim/config.h"
#include "quoll/sim/run.h"

namespace quoll::sim {

struct Setup {
  std::string name;
  std::string note;
  Config config;
};

enum class Unit : std::uint8_t { count, per_second, percent, millis, seconds, times };

// One cell of the table. A value that does not exist (never recovered) is a NaN.
struct Figure {
  std::string key;    // "recovered_after_s"
  std::string title;  // "recovered after"
  Unit unit = Unit::count;
  double value = 0;
};

struct SetupResult {
  Setup setup;
  RunResult run;
  std::vector<Figure> figures;  // the same keys for each set-up of a scenario

  // NaN when there is no such key.
  double figure(std::string_view key) const;
};

struct Scenario {
  std::string name;
  std::string about;                // one line
  std::string severity;             // what course.severity means here
  std::vector<std::string> groups;  // of settings that it has a use for
  std::function<Config()> defaults;
  std::function<Plan(const Config&)> plan;
  std::function<std::vector<Setup>(const Config&)> setups;
  std::function<std::vector<Figure>(const Setup&, const Plan&, const RunResult&)> figures;
  // What one sees, from the figures.
  std::function<std::vector<std::string>(const std::vector<SetupResult>&)> say;
};

const std::vector<Scenario>& scenarios();
// Errors: "usage", with those that exist.
Result<const Scenario*> find_scenario(std::string_view name);

struct ScenarioOptions {
  std::uint64_t seed = 1;
  std::vector<std::string> settings;  // key=value
  Fault fault = Fault::none;
  // Called before each set-up; may be empty.
  std::function<void(const Setup&)> progress;
};

struct ScenarioResult {
  std::string name;
  std::string about;
  std::uint64_t seed = 0;
  std::vector<std::string> settings;
  Plan plan;
  Config config;  // what the set-ups have in common
  std::vector<std::string> groups;
  std::vector<SetupResult> setups;
  std::vector<std::string> sentences;
  std::uint64_t hash = 0;  // over those of the set-ups
  std::uint64_t events = 0;
};

// Errors: "usage" (settings), all faults in one message; "invariant" (see run.h), with the set-up's name.
Result<ScenarioResult> run_scenario(const Scenario& scenario, const ScenarioOptions& options);

}  // namespace quoll::sim

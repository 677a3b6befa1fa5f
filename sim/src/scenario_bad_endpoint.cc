// bad-endpoint: one endpoint of ten answers with errors. One breaker for all, a breaker for each, outlier ejection.

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "scenarios.h"

namespace quoll::sim {

namespace {

using std::chrono::seconds;

Config defaults() {
  Config config;
  config.model.client.rate = 500;
  config.model.backend.endpoints = 10;
  config.model.backend.workers = 8;
  config.model.course = {.before = seconds(30), .trouble = seconds(120), .after = seconds(120), .severity = 0.9};
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("calm", course.before);
  const Duration bad = maker.phase("one bad", course.trouble);
  const Duration after = maker.phase("well again", course.after);
  maker.change(bad, Change::What::errors, std::min(1.0, course.severity), 0);
  maker.change(after, Change::What::errors, config.model.backend.error_rate, 0);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  std::vector<Setup> all;
  all.push_back({"nothing", "endpoints are picked at random", config});
  Config one = config;
  one.policies.breaker.on = true;
  all.push_back({"one breaker", "for all ten", one});
  Config each = one;
  each.policies.breaker_per_endpoint = true;
  all.push_back({"a breaker each", "one that is open sends the request on to the next endpoint", each});
  Config outlier = config;
  outlier.policies.outlier.on = true;
  all.push_back({"outlier ejection", "endpoints are compared with each other", outlier});
  Config both = each;
  both.policies.outlier.on = true;
  all.push_back({"both", "a breaker each, and outlier ejection", both});
  return all;
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  const Counts& bad = in_phase(plan, run, "one bad");
  const Phase& phase = plan.phases[1];
  double out_after = reached_after(run, core::State::open, phase.from, phase.to);
  std::uint64_t wrong = 0;
  for (const EjectionNote& ejection : run.ejections) {
    if (ejection.endpoint != 0) ++wrong;
    const double after = to_seconds(ejection.at - phase.from);
    if (ejection.endpoint == 0 && after >= 0 && !(out_after <= after)) out_after = after;
  }
  for (const StateChange& change : run.states) {
    if (change.to == core::State::open && change.endpoint > 0) ++wrong;
  }
  return {
      percent_of("errors_percent", "errors", static_cast<double>(bad.of(End::failed)), static_cast<double>(ended(bad))),
      percent_of("refused_percent", "refused", static_cast<double>(bad.of(End::refused)),
                 static_cast<double>(ended(bad))),
      figure("out_after_s", "out after", Unit::seconds, out_after),
      percent_of("to_bad_percent", "calls to the bad one", static_cast<double>(bad.bad_endpoint),
                 static_cast<double>(bad.attempts)),
      count_of("good_ones_out", "good ones put out", wrong),
      percent_of("to_it_later_percent", "calls to it, well again",
                 static_cast<double>(in_phase(plan, run, "well again").bad_endpoint),
                 static_cast<double>(in_phase(plan, run, "well again").attempts)),
  };
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  const auto errors = [&results](const char* name) {
    return words(named(results, name).figure("errors_percent"), Unit::percent);
  };
  const SetupResult& each = named(results, "a breaker each");
  const SetupResult& outlier = named(results, "outlier ejection");
  return {
      fmt::format("One breaker for all ten does not help: {} of the requests fail, as without one ({}).",
                  errors("one breaker"), errors("nothing")),
      fmt::format("Outlier ejection has the bad endpoint out after {} and leaves {} errors; a breaker for each after "
                  "{} and {}.",
                  words(outlier.figure("out_after_s"), Unit::seconds), errors("outlier ejection"),
                  words(each.figure("out_after_s"), Unit::seconds), errors("a breaker each"))};
}

}  // namespace

Scenario bad_endpoint_scenario() {
  return {.name = "bad-endpoint",
          .about = "one endpoint of ten answers with errors: breakers against outlier ejection",
          .severity = "share of its answers that are errors",
          .groups = {"client", "process", "network", "backend", "course", "breaker", "timeout", "outlier"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

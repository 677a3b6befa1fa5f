// retry-storm: a metastable failure (Bronson et al., HotOS 2021). A backend that is slow for a few seconds is retried
// at; does the system come back when the trigger is gone?

#include <fmt/format.h>

#include <cmath>

#include "figures.h"
#include "scenarios.h"

namespace quoll::sim {

namespace {

using std::chrono::seconds;

Config defaults() {
  Config config;
  // 60 % of what the backend can do (16 workers, 20 ms: 800 a second).
  config.model.client.rate = 480;
  config.model.client.patience = seconds(3);
  config.model.course = {.before = seconds(20), .trouble = seconds(10), .after = seconds(120), .severity = 4};
  config.policies.throttle.options.window = seconds(10);
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("calm", course.before);
  const Duration trigger = maker.phase("trigger", course.trouble);
  const Duration after = maker.phase("after", course.after / 2);
  maker.phase("later", course.after - course.after / 2);
  maker.change(trigger, Change::What::service, course.severity);
  maker.change(after, Change::What::service, 1);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  std::vector<Setup> all;
  all.push_back({"no retries", "each request is one call", config});
  Config retry = config;
  retry.policies.retry.on = true;
  all.push_back({"retries", "up to three attempts, no budget", retry});
  Config budget = retry;
  budget.policies.retry_budget.on = true;
  all.push_back({"retries, budget", "retries at most a fifth of the requests", budget});
  Config breaker = retry;
  breaker.policies.breaker.on = true;
  all.push_back({"retries, breaker", "no budget, a breaker", breaker});
  Config both = budget;
  both.policies.breaker.on = true;
  all.push_back({"budget and breaker", "both", both});
  Config throttle = retry;
  throttle.policies.throttle.on = true;
  all.push_back(
      {"retries, throttle",
       "no budget; client-side throttling, window " + format_duration(config.policies.throttle.options.window),
       throttle});
  return all;
}

double calls_per_request(const Counts& counts) {
  return counts.arrived == 0 ? kNever : static_cast<double>(counts.attempts) / static_cast<double>(counts.arrived);
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  const Counts& calm = in_phase(plan, run, "calm");
  const Counts& trigger = in_phase(plan, run, "trigger");
  const Counts& later = in_phase(plan, run, "later");
  return {
      percent_of("good_before_percent", "good before", static_cast<double>(calm.of(End::good)),
                 static_cast<double>(ended(calm))),
      percent_of("good_in_trigger_percent", "in the trigger", static_cast<double>(trigger.of(End::good)),
                 static_cast<double>(ended(trigger))),
      percent_of("good_later_percent", "in the last half", static_cast<double>(later.of(End::good)),
                 static_cast<double>(ended(later))),
      figure("calls_per_request_trigger", "calls a request, trigger", Unit::times, calls_per_request(trigger)),
      figure("calls_per_request_later", "at the end", Unit::times, calls_per_request(later)),
      figure("recovered_after_s", "recovered after", Unit::seconds, recovered_after(run, plan.phases[2].from)),
  };
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  const SetupResult& retries = named(results, "retries");
  const SetupResult& budget = named(results, "retries, budget");
  const auto recovery = [](const SetupResult& result) {
    const double after = result.figure("recovered_after_s");
    return std::isnan(after) ? std::string("does not recover within the run")
                             : "recovers " + words(after, Unit::seconds) + " after the trigger is gone";
  };
  return {
      fmt::format("With retries and no budget the system {}: at the end each request still makes {} calls and {} are "
                  "served.",
                  recovery(retries), words(retries.figure("calls_per_request_later"), Unit::times),
                  words(retries.figure("good_later_percent"), Unit::percent)),
      fmt::format("With a budget it {}.", recovery(budget))};
}

}  // namespace

Scenario retry_storm_scenario() {
  return {.name = "retry-storm",
          .about = "a backend that is slow for a few seconds is retried at: does the system come back?",
          .severity = "service time in the trigger, times the usual",
          .groups = {"client", "process", "network", "backend", "course", "breaker", "timeout", "retry", "retry_budget",
                     "throttle"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

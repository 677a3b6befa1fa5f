// outage: the callee swallows every call, then comes back cold. What does the outage cost those who wait, and does the
// return of the traffic throw the callee down again?

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "scenarios.h"

namespace quoll::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Config defaults() {
  Config config;
  config.model.client.rate = 400;
  config.model.course = {.before = seconds(30), .trouble = seconds(60), .after = seconds(60), .severity = 3};
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("calm", course.before);
  const Duration out = maker.phase("outage", course.trouble);
  const Duration back = maker.phase("back", course.after);
  maker.change(out, Change::What::hang, 1);
  maker.change(back, Change::What::hang, 0);
  maker.change(back, Change::What::service, course.severity);
  maker.change(back + std::min<Duration>(seconds(10), course.after / 2), Change::What::service, 1);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  std::vector<Setup> all;
  all.push_back({"timeout only", "each call waits 500 ms", config});
  Config with = config;
  with.policies.breaker.on = true;
  all.push_back({"breaker", "default options", with});
  Config ramp = with;
  if (ramp.policies.breaker.options.ramp == Duration::zero()) ramp.policies.breaker.options.ramp = seconds(10);
  all.push_back({"breaker, ramp", "after closing, from a tenth of the calls to all in 10 s", ramp});
  Config limit = with;
  limit.policies.concurrency_limit.on = true;
  all.push_back({"breaker, limit", "and an adaptive concurrency limit", limit});
  Config adaptive = limit;
  adaptive.policies.adaptive_timeout.on = true;
  all.push_back({"all three", "breaker, adaptive limit, adaptive timeout", adaptive});
  return all;
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  const Phase& outage = plan.phases[1];
  const Phase& back = plan.phases[2];
  const Counts& out = run.phases[1];
  const Counts& after = run.phases[2];
  return {
      percent_of("good_before_percent", "good before", static_cast<double>(run.phases[0].of(End::good)),
                 static_cast<double>(ended(run.phases[0]))),
      figure("opened_after_s", "opened after", Unit::seconds,
             reached_after(run, core::State::open, outage.from, outage.to)),
      count_of("waited_in_vain", "waited in vain", out.timeouts),
      percent_of("refused_in_outage_percent", "refused at once", static_cast<double>(out.of(End::refused)),
                 static_cast<double>(ended(out))),
      count_of("most_held", "most held", run.most_in_process),
      figure("recovered_after_s", "recovered after", Unit::seconds, recovered_after(run, back.from)),
      count_of("opened_again", "opened again", opened_within(run, back.from, back.to)),
      count_of("lost_after", "lost after", ended(after) - after.of(End::good)),
  };
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  const SetupResult& none = named(results, "timeout only");
  const SetupResult& breaker = named(results, "breaker");
  const SetupResult* best = &breaker;
  for (const SetupResult& each : results) {
    if (each.figure("lost_after") < best->figure("lost_after")) best = &each;
  }
  const double vain = none.figure("waited_in_vain");
  return {
      fmt::format("Without a breaker {} calls wait for an answer that never comes; with one, {}: {} of the requests "
                  "in the outage are refused at once.",
                  words(vain, Unit::count), words(breaker.figure("waited_in_vain"), Unit::count),
                  words(breaker.figure("refused_in_outage_percent"), Unit::percent)),
      fmt::format("The callee comes back cold. \"{}\" loses the fewest requests afterwards ({}, against {} with the "
                  "timeout only and {} with the plain breaker).",
                  best->setup.name, words(best->figure("lost_after"), Unit::count),
                  words(none.figure("lost_after"), Unit::count), words(breaker.figure("lost_after"), Unit::count))};
}

}  // namespace

Scenario outage_scenario() {
  return {.name = "outage",
          .about = "the backend swallows every call for a while, then comes back cold",
          .severity = "service time in the first 10 s after the outage, times the usual",
          .groups = {"client", "process", "network", "backend", "course", "breaker", "timeout", "concurrency_limit",
                     "adaptive_timeout"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

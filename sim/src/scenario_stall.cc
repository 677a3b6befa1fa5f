// stall: this process stands still again and again while its backend is well; then the backend really hangs. Verdict by
// timer against verdict by arrival: core::judge_by_timer and core::judge.

#include <fmt/format.h>

#include "figures.h"
#include "scenarios.h"

namespace quoll::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Config defaults() {
  Config config;
  config.model.client.rate = 100;
  config.model.backend = {.workers = 100, .service = Service::uniform, .mean = milliseconds(200), .sigma = 0.5};
  config.model.course = {.before = seconds(30), .trouble = seconds(120), .after = seconds(30), .severity = 1};
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("calm", course.before);
  maker.change(maker.phase("stalls", course.trouble), Change::What::stalls, 1);
  maker.change(maker.phase("stalls, hang", course.after), Change::What::hang, 1);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  Config base = config;
  base.policies.breaker.on = true;
  for (Duration* length : {&base.model.process.stall.low, &base.model.process.stall.high}) {
    *length = Duration(static_cast<Duration::rep>(static_cast<double>(length->count()) * config.model.course.severity));
  }
  std::vector<Setup> all;
  for (const double threshold : {config.policies.breaker.options.failure_rate_threshold, 0.1}) {
    for (const VerdictBy verdict : {VerdictBy::timer, VerdictBy::arrival}) {
      Config one = base;
      one.policies.breaker.options.failure_rate_threshold = threshold;
      one.policies.verdict = verdict;
      all.push_back(
          {fmt::format("{}, {:.0f} %", to_string(verdict), threshold * 100),
           fmt::format("verdict by {}; the breaker opens at {:.0f} % failures", to_string(verdict), threshold * 100),
           one});
    }
  }
  return all;
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  const Counts& stalls = in_phase(plan, run, "stalls");
  const Phase& healthy = plan.phases[1];
  const Phase& hang = plan.phases[2];
  return {
      count_of("false_timeouts", "false timeouts", stalls.false_timeouts),
      percent_of("false_timeouts_percent", "of its calls", static_cast<double>(stalls.false_timeouts),
                 static_cast<double>(stalls.attempts)),
      count_of("rescued", "rescued", stalls.rescued),
      count_of("opened_falsely", "opened falsely", opened_within(run, healthy.from, healthy.to)),
      percent_of("good_percent", "good, stalls", static_cast<double>(stalls.of(End::good)),
                 static_cast<double>(ended(stalls))),
      figure("opened_on_hang_s", "opened on the hang", Unit::seconds,
             reached_after(run, core::State::open, hang.from, hang.to)),
      percent_of("refused_in_hang_percent", "refused in it",
                 static_cast<double>(in_phase(plan, run, "stalls, hang").of(End::refused)),
                 static_cast<double>(ended(in_phase(plan, run, "stalls, hang")))),
  };
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  // As setups() has them.
  const SetupResult& loose_timer = results[0];
  const SetupResult& loose_arrival = results[1];
  const SetupResult& timer = results[2];
  const SetupResult& arrival = results[3];
  return {
      fmt::format("The backend is well and answers in time. Judged by the timer, {} of its calls are called timeouts "
                  "and a breaker set to 10 % opens {} times; judged by arrival, {} and {}.",
                  words(timer.figure("false_timeouts_percent"), Unit::percent),
                  words(timer.figure("opened_falsely"), Unit::count),
                  words(arrival.figure("false_timeouts_percent"), Unit::percent),
                  words(arrival.figure("opened_falsely"), Unit::count)),
      fmt::format("The hang at the end opens the breaker all the same: \"{}\" after {}, \"{}\" after {}.",
                  loose_arrival.setup.name, words(loose_arrival.figure("opened_on_hang_s"), Unit::seconds),
                  loose_timer.setup.name, words(loose_timer.figure("opened_on_hang_s"), Unit::seconds))};
}

}  // namespace

Scenario stall_scenario() {
  return {.name = "stall",
          .about = "this process stands still again and again: verdict by timer against verdict by arrival",
          .severity = "times the length of a stall",
          .groups = {"client", "process", "network", "backend", "course", "breaker", "timeout"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

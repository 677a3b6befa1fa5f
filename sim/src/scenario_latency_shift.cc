// latency-shift: the callee goes from 50 to 150 ms, for a good reason. It also hangs for two seconds, before and after.
// Fixed timeouts against an adaptive one.

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
  config.model.backend = {.workers = 200, .mean = milliseconds(50), .sigma = 0.2};
  config.model.course = {.before = seconds(60), .trouble = seconds(60), .after = seconds(30), .severity = 3};
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("calm", course.before);
  const Duration hang = maker.phase("hang", seconds(2));
  const Duration calm = maker.phase("calm again", course.after);
  const Duration shift = maker.phase("shifted", course.trouble);
  const Duration second = maker.phase("second hang", seconds(2));
  const Duration end = maker.phase("still shifted", course.after);
  maker.change(hang, Change::What::hang, 1);
  maker.change(calm, Change::What::hang, 0);
  maker.change(shift, Change::What::service, course.severity);
  maker.change(second, Change::What::hang, 1);
  maker.change(end, Change::What::hang, 0);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  std::vector<Setup> all;
  Config fixed = config;
  fixed.policies.breaker.on = true;
  Config tight = fixed;
  tight.policies.timeout = milliseconds(100);
  all.push_back({"fixed, 100ms", "twice the usual latency", tight});
  all.push_back({"fixed, " + format_duration(fixed.policies.timeout), "to be on the safe side", fixed});
  Config adaptive = fixed;
  adaptive.policies.adaptive_timeout.on = true;
  all.push_back({"adaptive", "learned from the answers", adaptive});
  return all;
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  const auto phase = [&plan](std::string_view name) { return plan.phases[phase_index(plan, name)]; };
  const Counts& shifted = in_phase(plan, run, "shifted");
  const auto mean_wait = [&](std::string_view name) {
    const Counts& counts = in_phase(plan, run, name);
    return counts.hangs == 0 ? kNever : to_millis(counts.hang_wait) / static_cast<double>(counts.hangs);
  };
  return {
      figure("timeout_before_ms", "timeout before", Unit::millis,
             to_millis(longest_timeout(run, phase("hang").from - seconds(1), phase("hang").from))),
      figure("longest_after_shift_ms", "longest, shifted", Unit::millis,
             to_millis(longest_timeout(run, phase("shifted").from, phase("shifted").to))),
      figure("p99_shifted_ms", "p99, shifted", Unit::millis, p99_millis(plan, run, "shifted")),
      count_of("cut_off", "cut off by the shift", shifted.timeouts),
      percent_of("good_shifted_percent", "good, shifted", static_cast<double>(shifted.of(End::good)),
                 static_cast<double>(ended(shifted))),
      count_of("opened_by_shift", "opened by it", opened_within(run, phase("shifted").from, phase("shifted").to)),
      figure("hang_seen_after_ms", "hang seen after", Unit::millis, to_millis(run.first_hang_wait)),
      figure("hang_wait_ms", "mean wait in it", Unit::millis, mean_wait("hang")),
      figure("second_hang_wait_ms", "in the second", Unit::millis, mean_wait("second hang")),
  };
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  const SetupResult& tight = results[0];
  const SetupResult& loose = results[1];
  const SetupResult& adaptive = results[2];
  return {fmt::format(
              "When the backend goes from its usual latency to a longer one, the fixed timeout of 100 ms cuts off "
              "{} answers and opens the circuit {} times; the adaptive one cuts off {} and opens it {} times, and "
              "never waits longer than {} (the new p99 is {}).",
              words(tight.figure("cut_off"), Unit::count), words(tight.figure("opened_by_shift"), Unit::count),
              words(adaptive.figure("cut_off"), Unit::count), words(adaptive.figure("opened_by_shift"), Unit::count),
              words(adaptive.figure("longest_after_shift_ms"), Unit::millis),
              words(loose.figure("p99_shifted_ms"), Unit::millis)),
          fmt::format("A hang is seen after {} by it and after {} by the loose fixed one.",
                      words(adaptive.figure("hang_seen_after_ms"), Unit::millis),
                      words(loose.figure("hang_seen_after_ms"), Unit::millis))};
}

}  // namespace

Scenario latency_shift_scenario() {
  return {.name = "latency-shift",
          .about = "the backend goes from 50 to 150 ms for a good reason, and hangs for 2 s before and after",
          .severity = "service time after the shift, times the usual",
          .groups = {"client", "process", "network", "backend", "course", "breaker", "timeout", "adaptive_timeout"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

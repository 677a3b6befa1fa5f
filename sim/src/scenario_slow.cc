// slow: the callee does not fail, it only takes long. Who notices, and who keeps its capacity in use?

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
  config.model.client.rate = 100;
  config.model.client.patience = seconds(1);
  config.model.backend.workers = 32;
  config.model.course = {.before = seconds(30), .trouble = seconds(60), .after = seconds(30), .severity = 20};
  config.policies.breaker.options.slow_call_threshold = milliseconds(200);
  config.policies.throttle.options.window = seconds(10);
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("calm", course.before);
  const Duration slow = maker.phase("slow", course.trouble);
  const Duration after = maker.phase("after", course.after);
  maker.change(slow, Change::What::service, course.severity);
  maker.change(after, Change::What::service, 1);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  std::vector<Setup> all;
  all.push_back({"timeout only", "a fixed one", config});
  Config failures = config;
  failures.policies.breaker.on = true;
  failures.policies.breaker.options.slow_call_threshold = {};
  all.push_back({"breaker", "by failures and timeouts", failures});
  Config slow = config;
  slow.policies.breaker.on = true;
  all.push_back({"breaker, slow calls", "and by the share of slow ones", slow});
  Config limit = config;
  limit.policies.concurrency_limit.on = true;
  all.push_back({"adaptive limit", to_string(limit.policies.concurrency_limit.options.algorithm), limit});
  Config throttle = config;
  throttle.policies.throttle.on = true;
  all.push_back(
      {"throttle", "client-side, window " + format_duration(config.policies.throttle.options.window), throttle});
  Config hedging = config;
  hedging.policies.hedging.on = true;
  all.push_back({"hedging", "with its budget", hedging});
  return all;
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  const Counts& slow = in_phase(plan, run, "slow");
  const Phase& after = plan.phases[2];
  return {
      figure("good_per_second", "good, slow", Unit::per_second, good_per_second(plan, run, "slow")),
      percent_of("good_percent", "share", static_cast<double>(slow.of(End::good)), static_cast<double>(ended(slow))),
      percent_of("refused_percent", "refused", static_cast<double>(slow.of(End::refused)),
                 static_cast<double>(ended(slow))),
      figure("p99_ms", "p99 of good", Unit::millis, p99_millis(plan, run, "slow")),
      count_of("waited_in_vain", "waited in vain", slow.timeouts),
      count_of("wasted", "wasted answers", slow.wasted),
      figure("calls_per_request", "calls a request", Unit::times,
             static_cast<double>(slow.attempts) / static_cast<double>(std::max<std::uint64_t>(1, slow.arrived))),
      count_of("most_held", "most held", run.most_in_process),
      figure("recovered_after_s", "recovered after", Unit::seconds, recovered_after(run, after.from)),
  };
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  const SetupResult& none = named(results, "timeout only");
  const SetupResult* best = &none;
  for (const SetupResult& each : results) {
    if (each.figure("good_per_second") > best->figure("good_per_second")) best = &each;
  }
  const SetupResult& slow = named(results, "breaker, slow calls");
  return {
      fmt::format("With the timeout only, {} requests a second are served while the backend is slow and {} calls wait "
                  "in vain; \"{}\" serves the most, {}.",
                  words(none.figure("good_per_second"), Unit::count), words(none.figure("waited_in_vain"), Unit::count),
                  best->setup.name, words(best->figure("good_per_second"), Unit::per_second)),
      fmt::format("A breaker knows all or nothing: by slow calls it refuses {} of the requests, which spares callers "
                  "the wait ({} in vain) and the backend the work, and serves {}.",
                  words(slow.figure("refused_percent"), Unit::percent),
                  words(slow.figure("waited_in_vain"), Unit::count),
                  words(slow.figure("good_per_second"), Unit::per_second))};
}

}  // namespace

Scenario slow_scenario() {
  return {.name = "slow",
          .about = "the backend gets slow, and too slow for the load, but does not fail",
          .severity = "service time in the trouble, times the usual",
          .groups = {"client", "process", "network", "backend", "course", "breaker", "timeout", "concurrency_limit",
                     "throttle", "hedging"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

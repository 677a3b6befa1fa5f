#include "quoll/lab/demo/phases.h"

namespace quoll::lab::demo {

namespace {

using std::chrono::milliseconds;

using boost::json::object;

// The backend answers in 40 to 80 ms, however many ask.
object healthy() {
  return {{"mode", "healthy"}, {"delay", "40ms..80ms"}, {"degrade", "0"}};
}
object failing() {
  return {{"mode", "fail"}, {"status", 503}};
}
object hanging() {
  return {{"mode", "hang"}};
}
// In time for a timeout of 500 ms, but close enough that a long block makes a timer fire first.
object healthy_slower() {
  return {{"mode", "healthy"}, {"delay", "100ms..300ms"}, {"degrade", "0"}};
}
// What `quoll backend` does when it is told nothing.
object unstable() {
  return {{"mode", "answer"}, {"fail_rate", 0.3}, {"status", 500}, {"delay", "100ms..800ms"}, {"degrade", "5ms"}};
}

Phase pressure_phase(const PlanOptions& options, Duration length) {
  Phase phase;
  phase.name = "pressure";
  phase.sentence =
      "The backend is healthy (100-300 ms, timeout 500 ms), but our own process is not: its event loops are blocked "
      "for 100 ms, then for 600 ms, every 1-2 s, while something burns CPU beside it.";
  phase.length = length;
  const std::string burning = std::to_string(options.burn_cores) + (options.burn_cores == 1 ? " core" : " cores");
  phase.steps = {
      {.at = {},
       .text = "loops blocked 100 ms every 1-2 s, " + burning + " burnt",
       .backend = healthy_slower(),
       .sets_pressure = true,
       .loop = LoopPressure{"100ms", "1s..2s"},
       .cpu_cores = options.burn_cores},
      {.at = length * 2 / 5,
       .text = "loops blocked 600 ms every 1-2 s, " + burning + " burnt",
       .backend = {},
       .sets_pressure = true,
       .loop = LoopPressure{"600ms", "1s..2s"},
       .cpu_cores = options.burn_cores},
  };
  phase.expectation = {.never_opens = options.arrival, .no_timeouts = options.arrival, .control = !options.arrival};
  return phase;
}

}  // namespace

std::vector<Phase> make_plan(const PlanOptions& options) {
  const auto pick = [&](int quick_ms, int full_ms) {
    return Duration(milliseconds(options.quick ? quick_ms : full_ms));
  };
  const Duration outage = pick(4000, 16000);
  std::vector<Phase> plan;
  plan.push_back(
      {.name = "calm",
       .sentence = "The backend is healthy and answers in 40-80 ms: the circuit stays closed and is not felt.",
       .length = pick(2500, 10000),
       .steps = {{.at = {}, .text = "backend healthy", .backend = healthy()}},
       .expectation = {.never_opens = true, .ends_closed = true, .no_timeouts = true}});
  plan.push_back({.name = "outage",
                  .sentence =
                      "The backend first answers 503 and then hangs: the circuit opens, callers get the fallback "
                      "at once instead of waiting for nothing, and each trial finds the backend still down.",
                  .length = outage,
                  .steps = {{.at = {}, .text = "backend answers 503", .backend = failing()},
                            {.at = outage / 2, .text = "backend hangs", .backend = hanging()}},
                  .expectation = {.opens = true}});
  plan.push_back({.name = "recovery",
                  .sentence = "The backend is healthy again: the next trial succeeds and the circuit closes by itself.",
                  .length = pick(3500, 10000),
                  .steps = {{.at = {}, .text = "backend healthy", .backend = healthy()}},
                  .expectation = {.ends_closed = true, .closes = true}});
  plan.push_back(pressure_phase(options, pick(5000, 18000)));
  plan.push_back(
      {.name = "unstable",
       .sentence = "No pressure, and the product's own unstable backend: 30 % fail, the others take 100-800 ms "
                   "and more under load. The circuit opens, tries, closes when a trial succeeds, and opens "
                   "again.",
       .length = pick(4500, 26000),
       .steps = {{.at = {}, .text = "backend unstable, pressure off", .backend = unstable(), .sets_pressure = true}},
       .expectation = {.opens = true}});
  plan.push_back({.name = "healed",
                  .sentence = "The backend is healthy again: the experiment ends with the circuit closed.",
                  .length = pick(3000, 10000),
                  .steps = {{.at = {}, .text = "backend healthy", .backend = healthy()}},
                  .expectation = {.ends_closed = true}});
  return plan;
}

Duration total_length(const std::vector<Phase>& plan) {
  Duration sum{};
  for (const Phase& phase : plan) sum += phase.length;
  return sum;
}

}  // namespace quoll::lab::demo

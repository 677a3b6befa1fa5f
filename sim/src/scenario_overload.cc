// overload: two, five and ten times what can be served. Goodput is what is answered while its client still waits.
//
// Twice: once the backend is the bottleneck, once this process's own CPU.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures.h"
#include "scenarios.h"

namespace quoll::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Config defaults() {
  Config config;
  // Just under what the backend can do (16 workers, 20 ms: 800 a second).
  config.model.client.rate = 720;
  config.model.client.patience = milliseconds(500);
  config.model.course = {.before = seconds(20), .trouble = seconds(20), .after = seconds(20), .severity = 1};
  config.policies.queue_slots = 32;
  return config;
}

Plan plan(const Config& config) {
  const Course& course = config.model.course;
  PlanMaker maker;
  maker.phase("x0.9", course.before);
  for (const int factor : {2, 5, 10}) {
    const Duration at = maker.phase(fmt::format("x{}", factor), course.trouble);
    maker.change(at, Change::What::rate, course.severity * factor / 0.9);
  }
  maker.change(maker.phase("x0.9 again", course.after), Change::What::rate, 1);
  return maker.take();
}

std::vector<Setup> setups(const Config& config) {
  std::vector<Setup> all;
  all.push_back({"no control", "everything goes to the backend", config});
  Config gradient = config;
  gradient.policies.concurrency_limit.on = true;
  all.push_back({"adaptive limit",
                 std::string(to_string(config.policies.concurrency_limit.options.algorithm)) +
                     ": what is over the limit is refused",
                 gradient});
  Config vegas = gradient;
  vegas.policies.concurrency_limit.options.algorithm = core::LimitAlgorithm::vegas;
  all.push_back({"adaptive limit, vegas", "the same with vegas", vegas});
  Config queue = config;
  queue.policies.admission_queue.on = true;
  all.push_back({"CoDel queue",
                 fmt::format("requests wait here for one of {} places: adaptive LIFO, controlled delay",
                             config.policies.queue_slots),
                 queue});
  // The same capacity, all of it in this process.
  Config own = config;
  own.model.process = {.request_cost = microseconds(1000),
                       .answer_cost = microseconds(250),
                       .refuse_cost = config.model.process.refuse_cost,
                       .stall = config.model.process.stall,
                       .stall_every = config.model.process.stall_every};
  own.model.backend.workers = config.model.backend.workers * 10;
  all.push_back({"own CPU, no control", "each request takes 1.25 ms of this process, the backend has room", own});
  Config codel = own;
  codel.policies.admission_control.on = true;
  all.push_back({"own CPU, CoDel", "admission by the true queueing delay", codel});
  return all;
}

std::vector<Figure> figures(const Setup&, const Plan& plan, const RunResult& run) {
  std::vector<Figure> all;
  double peak = 0;
  for (const Phase& phase : plan.phases) peak = std::max(peak, good_per_second(plan, run, phase.name));
  for (const char* name : {"x0.9", "x2", "x5", "x10", "x0.9 again"}) {
    std::string key = "good_per_second_" + std::string(name);
    std::replace(key.begin(), key.end(), ' ', '_');
    all.push_back(figure(key, std::string("good, ") + name, Unit::per_second, good_per_second(plan, run, name)));
  }
  all.push_back(figure("peak_per_second", "peak", Unit::per_second, peak));
  all.push_back(percent_of("share_of_peak_x5_percent", "x5 of peak", good_per_second(plan, run, "x5"), peak));
  all.push_back(figure("p99_x5_ms", "p99 at x5", Unit::millis, p99_millis(plan, run, "x5")));
  const Counts& five = in_phase(plan, run, "x5");
  all.push_back(percent_of("refused_x5_percent", "refused at x5", static_cast<double>(five.of(End::refused)),
                           static_cast<double>(ended(five))));
  all.push_back(count_of("wasted", "wasted answers", run.total.wasted));
  return all;
}

std::vector<std::string> say(const std::vector<SetupResult>& results) {
  const auto share = [&results](const char* name) {
    return words(named(results, name).figure("share_of_peak_x5_percent"), Unit::percent);
  };
  return {fmt::format("At five times the capacity of the backend {} of the peak is left without control, {} with an "
                      "adaptive limit and {} with a CoDel queue.",
                      share("no control"), share("adaptive limit"), share("CoDel queue")),
          fmt::format("Where this process is the bottleneck: {} without, {} with admission by queueing delay.",
                      share("own CPU, no control"), share("own CPU, CoDel"))};
}

}  // namespace

Scenario overload_scenario() {
  return {.name = "overload",
          .about = "two, five and ten times what can be served",
          .severity = "times the rates of all steps",
          .groups = {"client", "process", "network", "backend", "course", "timeout", "concurrency_limit",
                     "admission_queue", "admission_control"},
          .defaults = defaults,
          .plan = plan,
          .setups = setups,
          .figures = figures,
          .say = say};
}

}  // namespace quoll::sim

#include "quoll/lab/demo/driver.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/lab/demo/cross_check.h"
#include "quoll/lab/demo/observer.h"
#include "quoll/lab/demo/parts_json.h"

namespace quoll::lab::demo {

namespace {

constexpr Duration kRefresh = std::chrono::milliseconds(50);
// How long a load generator may take beyond its phase: the last requests, and a machine that is busy.
constexpr Duration kLoadGrace = std::chrono::seconds(8);
// The proxy counts an outcome within moments of its answer; on a busy machine that may be after the caller saw it.
constexpr Duration kCountGrace = std::chrono::seconds(2);

}  // namespace

Driver::Driver(System& system, Recorder& recorder, const StopSignal& stop, std::function<void()> show)
    : system_(system), recorder_(recorder), stop_(stop), show_(std::move(show)) {}

bool Driver::wait() {
  show_();
  return !stop_.wait_for(kRefresh);
}

bool Driver::fail(const Error& error) {
  recorder_.problem(error.message);
  return false;
}

void Driver::run(const std::vector<Phase>& plan) {
  Observer observer(recorder_, system_.admin_port());
  const Result<void> first = observer.sample();  // the state before the first request
  if (!first) {
    fail(first.error());
  } else {
    observer.start();
    for (const Phase& phase : plan) {
      if (!run_phase(phase)) break;
    }
    system_.stop_load();
    // Parts that stay up after the end (--keep) stay up without pressure.
    const Result<void> calm = system_.set_pressure({}, 0);
    if (!calm) fail(calm.error());
    observer.stop();
    const Result<void> last = observer.sample();  // the last changes
    if (!last && !recorder_.read([](const RunRecord& run) { return run.interrupted || !run.problems.empty(); })) {
      fail(last.error());
    }
  }
  recorder_.change([&](RunRecord& run) {
    run.parts = system_.parts();
    summarise(run);
  });
}

bool Driver::run_phase(const Phase& phase) {
  const Result<Counters> before = system_.counters();
  if (!before) return fail(before.error());
  const Duration start = recorder_.now();
  recorder_.change(
      [&](RunRecord& run) { run.phases.push_back({.phase = phase, .start = start, .traffic = {}, .counters = {}}); });
  std::size_t next = 0;
  bool going = apply_steps(phase, start, next);
  if (going) {
    load_started_ = recorder_.now();
    const Result<void> started =
        system_.start_load(phase.length, [this](std::string_view line) { on_load_line(line); });
    going = started ? true : fail(started.error());
  }
  while (going && !system_.load_ended()) {
    if (const auto dead = system_.dead_part()) {
      going = fail(*dead);
    } else if (recorder_.now() > load_started_ + phase.length + kLoadGrace) {
      going = fail(system_.load_failure("did not end in phase " + phase.name));
    } else if (!wait()) {
      recorder_.change([](RunRecord& run) { run.interrupted = true; });
      going = false;
    } else {
      going = apply_steps(phase, start, next);
    }
  }
  if (going) {
    if (const auto dead = system_.dead_part()) going = fail(*dead);
  }
  const Duration end = recorder_.now();
  recorder_.change([&](RunRecord& run) { run.phases.back().end = end; });
  if (!going) return false;

  const auto [reported, traffic] = recorder_.read(
      [](const RunRecord& run) { return std::pair(run.phases.back().reported, run.phases.back().traffic); });
  if (!reported) return fail(system_.load_failure("gave no result in phase " + phase.name));
  const Result<Counters> after = matching_counters(*before, traffic);
  if (!after) return fail(after.error());
  recorder_.change([&](RunRecord& run) {
    run.phases.back().counters = difference(*after, *before);
    run.phases.back().complete = true;
  });
  return true;
}

bool Driver::apply_steps(const Phase& phase, Duration start, std::size_t& next) {
  while (next < phase.steps.size() && recorder_.now() - start >= phase.steps[next].at) {
    const Step& step = phase.steps[next++];
    if (!step.backend.empty()) {
      const Result<void> set = system_.set_backend(step.backend);
      if (!set) return fail(set.error());
    }
    if (step.sets_pressure) {
      const Result<void> set = system_.set_pressure(step.loop, step.cpu_cores);
      if (!set) return fail(set.error());
    }
    recorder_.mark(step.text);
  }
  return true;
}

Result<Counters> Driver::matching_counters(const Counters& before, const Traffic& traffic) {
  const Duration end = recorder_.now() + kCountGrace;
  while (true) {
    Result<Counters> after = system_.counters();
    if (!after || recorder_.now() >= end) return after;
    const std::vector<Check> checks = cross_check(difference(*after, before), traffic);
    if (std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.pass; })) return after;
    if (!wait()) return after;
  }
}

void Driver::on_load_line(std::string_view text) {
  const auto parsed = parse_load_line(text);
  if (!parsed) {
    recorder_.problem(parsed.error().message);
    return;
  }
  if (!parsed->has_value()) return;
  const LoadLine& line = **parsed;
  const Duration now = recorder_.now();
  recorder_.change([&](RunRecord& run) {
    if (run.phases.empty()) return;
    if (line.is_result) {
      run.phases.back().traffic = line.traffic;
      run.phases.back().reported = true;
      return;
    }
    // Its own time, not that of our reading: under pressure a line may wait for us. It cannot have begun before we
    // started it, nor end in the future.
    const Duration at = std::min(now, load_started_ + line.t);
    run.ticks.push_back({.at = at, .length = line.length, .traffic = line.traffic});
  });
}

}  // namespace quoll::lab::demo

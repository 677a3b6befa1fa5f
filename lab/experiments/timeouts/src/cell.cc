// One cell of the timeouts' experiment: the phases are driven, the calls put into them.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "quoll/lab/harness/spread.h"
#include "quoll/lab/timeouts/timeouts.h"

namespace quoll::lab::timeouts {

using harness::CellParts;
using harness::LoggedCall;
using harness::PartsContext;
using harness::Spread;
using harness::spread_of;

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string delay_text(const Phase& phase) {
  return format_duration(phase.delay_low) + ".." + format_duration(phase.delay_high);
}

// The timeout in force, of /circuit-status.
std::optional<Duration> timeout_of(const std::string& status) {
  json::error_code error;
  const json::value value = json::parse(status, error);
  if (error) return std::nullopt;
  const json::value* found = value.find_pointer("/circuits/0/timeout/now_ms", error);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return from_millis(found->to_number<double>());
}

struct Gathered {
  std::vector<Duration> all;
  std::vector<Duration> held;
};

}  // namespace

std::vector<Scenario> scenarios(bool quick) {
  const auto make = [](std::string name, std::string title, std::vector<Phase> phases) {
    Duration at{};
    for (Phase& phase : phases) {
      phase.from = at;
      at += phase.to;  // lengths so far
      phase.to = at;
    }
    return Scenario{std::move(name), std::move(title), std::move(phases)};
  };
  const Duration calm = quick ? seconds(4) : seconds(10);
  const Duration slow = quick ? seconds(4) : seconds(10);
  const Duration hang = quick ? seconds(2) : seconds(4);
  const Phase healthy{"healthy", {}, calm, false, milliseconds(40), milliseconds(80)};
  const Phase slower{"slower", {}, slow, false, milliseconds(120), milliseconds(180)};
  const Phase hangs{"hangs", {}, hang, true, {}, {}};
  return {make("steady", "40-80 ms, then it hangs", {healthy, hangs}),
          make("shift", "40-80 ms, then 120-180 ms, then it hangs", {healthy, slower, hangs})};
}

Result<Cell> run_cell(const PartsContext& context, const Scenario& scenario, bool adaptive) {
  Cell cell;
  cell.adaptive = adaptive;
  CellParts parts(context);
  const Phase& first = scenario.phases.front();
  auto started = parts.start_backend({"--mode", "healthy", "--delay", delay_text(first), "--degrade", "0"});
  if (!started) return started.error();
  started = parts.start_proxy({"--timeout", adaptive ? "adaptive" : format_duration(kFixed), "--fallback", "off",
                               "--window", "2s", "--reset-timeout", "1s", "--volume-threshold", "10"});
  if (!started) return started.error();
  cell.command = parts.proxy_command();

  const Duration length = scenario.phases.back().to;
  const TimePoint start = steady_now();
  std::size_t next = 1;
  Scenario driven = scenario;  // with the phases as they really began
  const auto meanwhile = [&]() -> Result<void> {
    const Duration at = steady_now() - start;
    if (const auto status = parts.status()) {
      if (const auto timeout = timeout_of(*status)) cell.timeout.push_back({at, *timeout});
    }
    if (next == driven.phases.size() || at < driven.phases[next].from) return {};
    const Phase& phase = driven.phases[next];
    if (phase.hang) {
      if (const auto page = parts.metrics()) {
        cell.openings = page->count("quoll_circuit_events_total", {{"event", "open"}});
      }
    }
    const auto changed =
        parts.control_backend(phase.hang ? json::object{{"mode", "hang"}} : json::object{{"delay", delay_text(phase)}});
    if (!changed) return changed.error();
    driven.phases[next].from = driven.phases[next - 1].to = steady_now() - start;
    ++next;
    return {};
  };
  auto calls = parts.load(
      {"--rate", std::to_string(kRate), "--poisson", "-c", "400", "-d", format_duration(length), "--timeout", "10s"},
      length + seconds(30), meanwhile);
  if (!calls) return calls.error();
  evaluate(cell, driven, *calls, start);
  return cell;
}

void evaluate(Cell& cell, const Scenario& scenario, const std::vector<LoggedCall>& calls, TimePoint start) {
  std::vector<Gathered> gathered(scenario.phases.size());
  std::vector<std::vector<Duration>> steps;
  cell.phases.clear();
  for (const Phase& phase : scenario.phases) cell.phases.push_back({.phase = phase});
  Duration before_hang{};
  std::uint64_t good_before = 0;
  for (const Phase& phase : scenario.phases) {
    if (!phase.hang) before_hang = phase.to;
  }
  for (const LoggedCall& call : calls) {
    if (!call.sent) continue;
    const Duration sent = *call.sent - start;
    std::size_t i = scenario.phases.size() - 1;
    while (i > 0 && sent < scenario.phases[i].from) --i;
    // An answer that the backend had begun to wait for when the hang began never comes: its call belongs to the hang.
    const bool ends_in_next = call.done && i + 1 < scenario.phases.size() && scenario.phases[i + 1].hang &&
                              call.status != 200 && *call.done - start >= scenario.phases[i + 1].from;
    if (ends_in_next) ++i;
    PhaseResult& result = cell.phases[i];
    ++result.calls;
    if (!call.done || call.status == 0) {
      ++result.other;
      continue;
    }
    const Duration took = *call.done - *call.sent;
    gathered[i].all.push_back(took);
    if (call.status == 200) {
      ++result.good;
      if (!result.phase.hang) ++good_before;
      const auto step = static_cast<std::size_t>((*call.done - start) / kLatencyStep);
      if (step >= steps.size()) steps.resize(step + 1);
      steps[step].push_back(took);
    } else if (call.status == 504) {
      ++result.timeouts;
      gathered[i].held.push_back(took);
    } else {
      (call.status == 503 ? result.refused : result.other) += 1;
    }
    if (!result.phase.hang) continue;
    const Duration since = *call.done - start - result.phase.from;
    if (call.status == 504 && (!cell.noticed || since < *cell.noticed)) cell.noticed = since;
    if (call.status == 503 && (!cell.opened || since < *cell.opened)) cell.opened = since;
  }
  for (std::size_t i = 0; i < gathered.size(); ++i) {
    PhaseResult& result = cell.phases[i];
    const Spread all = spread_of(std::move(gathered[i].all));
    const Spread held = spread_of(std::move(gathered[i].held));
    result.p50 = all.p50;
    result.p99 = all.p99;
    result.held_p50 = held.p50;
    result.held_p99 = held.p99;
    if (!result.phase.hang) cell.cut_off += result.timeouts;
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].empty()) cell.latency.push_back({kLatencyStep * i, spread_of(std::move(steps[i])).p99});
  }
  if (before_hang > Duration::zero()) cell.goodput = static_cast<double>(good_before) / to_seconds(before_hang);
}

}  // namespace quoll::lab::timeouts

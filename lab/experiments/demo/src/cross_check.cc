#include "quoll/lab/demo/cross_check.h"

#include <algorithm>

#include <fmt/format.h>

namespace quoll::lab::demo {

using harness::count_of;

namespace {

Check compare(std::string claim, std::uint64_t circuit, std::uint64_t load, std::uint64_t errors) {
  Check check{
      .pass = circuit >= load && circuit <= load + errors, .claim = std::move(claim), .circuit = circuit, .load = load};
  if (!check.pass) {
    const bool more = circuit > load;
    check.note = fmt::format("the circuit counted {} {} than the load generator saw{}",
                             more ? circuit - load : load - circuit, more ? "more" : "fewer",
                             errors > 0 ? fmt::format(", and {} requests without an answer cannot explain it", errors)
                             : more     ? "; was there another client of the proxy?"
                                        : "");
  }
  return check;
}

std::string seconds(Duration d) {
  return fmt::format("{:.1f} s", to_seconds(d));
}

harness::Claim opening_finding(const PhaseRecord& record) {
  const auto first_open = record.time_in_state.find("open");
  const bool was_open =
      record.opens > 0 || (first_open != record.time_in_state.end() && first_open->second.count() > 0);
  return {was_open, was_open ? fmt::format("the circuit opened ({} times; open for {})", record.opens,
                                           seconds(first_open == record.time_in_state.end() ? Duration::zero()
                                                                                            : first_open->second))
                             : "the circuit did not open, though the backend failed"};
}

void add_findings(const RunRecord& run, PhaseRecord& record) {
  const Expectation& expected = record.phase.expectation;
  const Duration end = record.end.value_or(record.start);
  if (expected.opens) record.findings.push_back(opening_finding(record));
  if (expected.never_opens) {
    record.findings.push_back(
        {record.opens == 0, record.opens == 0
                                ? "the circuit never opened: the backend was healthy"
                                : fmt::format("the circuit opened {} times on a healthy backend", record.opens)});
  }
  if (expected.no_timeouts) {
    const std::uint64_t timeouts = count_of(record.counters.events, "timeout");
    const std::uint64_t rescued = count_of(record.counters.attempts, "rescued");
    std::string text =
        timeouts == 0 ? "no answer was called late" : fmt::format("{} answers were called late", timeouts);
    if (rescued > 0) text += fmt::format("; {} in time would have been, by a timer", rescued);
    record.findings.push_back({timeouts == 0, text});
  }
  if (expected.control) {
    const std::uint64_t timeouts = count_of(record.counters.events, "timeout");
    record.findings.push_back(
        {true, fmt::format("{} of {} calls of a healthy backend were called timeouts: the verdict is by timer",
                           timeouts, record.traffic.requests)});
  }
  if (expected.closes) {
    record.findings.push_back({record.closes > 0, record.closes > 0 ? "a trial succeeded and the circuit closed"
                                                                    : "the circuit did not close again"});
  }
  if (expected.ends_closed) {
    const std::string last = state_at(run, end);
    record.findings.push_back({last == "closed", "the circuit was " + last + " at the end"});
  }
}

void summarise_phase(const RunRecord& run, PhaseRecord& record) {
  const Duration end = *record.end;
  record.time_in_state = time_in_states(state_at(run, record.start), run.changes, record.start, end);
  record.opens = record.closes = record.half_opens = 0;
  for (const StateChange& change : run.changes) {
    if (change.at <= record.start || change.at > end) continue;
    if (change.to == "open") ++record.opens;
    if (change.to == "closed") ++record.closes;
    if (change.to == "half_open") ++record.half_opens;
  }
  record.max_lag = {};
  for (const CircuitSample& sample : run.samples) {
    if (sample.at >= record.start && sample.at < end) record.max_lag = std::max(record.max_lag, sample.lag);
  }
  record.checks.clear();
  record.findings.clear();
  if (!record.complete) return;
  record.checks = cross_check(record.counters, record.traffic);
  add_findings(run, record);
}

}  // namespace

std::vector<Check> cross_check(const Counters& circuit, const Traffic& load) {
  const auto event = [&](std::string_view name) { return count_of(circuit.events, name); };
  const auto seen = [&](std::string_view reason) { return count_of(load.fallback, reason); };
  const std::uint64_t errors = load.error_count();
  const std::uint64_t admitted =
      event("success") + event("failure") + event("timeout") + event("cancelled") + event("ignored");
  std::vector<Check> checks;
  checks.push_back(compare("rejected = answered \"open\"", event("reject"), seen("open"), errors));
  checks.push_back(compare("timed out = answered \"timeout\"", event("timeout"), seen("timeout"), errors));
  checks.push_back(compare("failed = answered \"error\"", event("failure"), seen("error"), errors));
  checks.push_back(compare("succeeded = answered by the backend", event("success"), seen("none"), errors));
  checks.push_back(compare("fallbacks = answers with Quoll-Fallback", event("fallback"), load.fallbacks(), errors));
  checks.push_back(compare("all outcomes = all requests", event("reject") + admitted, load.requests - errors, errors));
  return checks;
}

std::map<std::string, Duration> time_in_states(const std::string& state_at_start,
                                               const std::vector<StateChange>& changes, Duration start, Duration end) {
  std::map<std::string, Duration> times;
  std::string state = state_at_start;
  Duration since = start;
  for (const StateChange& change : changes) {
    if (change.at <= start || change.at > end) continue;
    if (change.at > since) times[state] += change.at - since;
    state = change.to;
    since = std::max(since, change.at);
  }
  if (end > since) times[state] += end - since;
  return times;
}

std::string state_at(const RunRecord& run, Duration when) {
  std::string state = run.samples.empty() ? "closed" : run.samples.front().state;
  if (!run.changes.empty()) state = run.changes.front().from;
  for (const StateChange& change : run.changes) {
    if (change.at <= when) state = change.to;
  }
  return state;
}

void summarise(RunRecord& run) {
  Traffic all;
  Counters counted;
  for (PhaseRecord& record : run.phases) {
    if (!record.end) continue;
    summarise_phase(run, record);
    if (!record.complete) continue;
    all.add_counts(record.traffic);
    for (const auto& [name, count] : record.counters.events) counted.events[name] += count;
    for (const auto& [name, count] : record.counters.attempts) counted.attempts[name] += count;
  }
  run.checks.clear();
  if (all.requests > 0) run.checks = cross_check(counted, all);
}

}  // namespace quoll::lab::demo

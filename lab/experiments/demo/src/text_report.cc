#include "quoll/lab/demo/text_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/lab/harness/text.h"

namespace quoll::lab::demo {

using harness::Colour;
using harness::count_of;
using harness::grouped;
using harness::Line;
using harness::Table;

namespace {

std::string count_text(std::uint64_t count) {
  return count == 0 ? "-" : grouped(count);
}

std::string seconds_in(const PhaseRecord& record, std::string_view state) {
  const auto found = record.time_in_state.find(std::string(state));
  if (found == record.time_in_state.end()) return "-";
  // Half-open lasts milliseconds when the trial is quick.
  if (found->second < std::chrono::milliseconds(100)) return humanize(found->second);
  return fmt::format("{:.1f}s", to_seconds(found->second));
}

class Report {
 public:
  Report(const RunRecord& run, bool colours) : run_(run), colours_(colours) {}

  std::vector<std::string> lines() {
    tables();
    findings();
    checks();
    if (run_.interrupted) {
      heading("Interrupted: what is above is of the phases that came to their end");
    } else if (!run_.problems.empty()) {
      heading("What went wrong");
    }
    for (const std::string& problem : run_.problems) verdict(false, problem);
    return std::move(lines_);
  }

 private:
  void heading(std::string_view text) {
    Line line(200, colours_);
    line.put(text, Colour::bold);
    lines_.emplace_back();
    lines_.push_back(line.take());
  }

  void verdict(bool pass, std::string_view text) {
    Line line(400, colours_);
    line.put("  ").put(pass ? "PASS" : "FAIL", pass ? Colour::green : Colour::red).put("  ").put(text);
    lines_.push_back(line.take());
  }

  void append(const Table& table) {
    for (std::string& line : table.lines()) lines_.push_back("  " + std::move(line));
  }

  void tables() {
    Table traffic({"phase", "requests", "/s", "answered", "rescued", "open", "timeout", "error", "lost"});
    Table circuit({"phase", "p50", "p95", "p99", "max", "closed", "half", "open", "opens", "max lag"});
    for (const PhaseRecord& record : run_.phases) {
      if (!record.complete) continue;
      const Traffic& t = record.traffic;
      traffic.add({record.phase.name, grouped(t.requests), fmt::format("{:.0f}", t.rps), count_text(t.answered()),
                   count_text(count_of(record.counters.attempts, "rescued")), count_text(count_of(t.fallback, "open")),
                   count_text(count_of(t.fallback, "timeout")), count_text(count_of(t.fallback, "error")),
                   count_text(t.error_count())});
      circuit.add({record.phase.name, humanize(t.p50), humanize(t.p95), humanize(t.p99), humanize(t.max),
                   seconds_in(record, "closed"), seconds_in(record, "half_open"), seconds_in(record, "open"),
                   count_text(record.opens), humanize(record.max_lag)});
    }
    heading("What the callers saw");
    Line legend(200, colours_);
    legend.put("  rescued: in time, but late by a timer; open, timeout, error: fallback answers", Colour::grey);
    lines_.push_back(legend.take());
    append(traffic);
    heading("Latency, time in each state, and our own stalls");
    append(circuit);
  }

  void findings() {
    heading("What each phase was to show");
    for (const PhaseRecord& record : run_.phases) {
      for (const harness::Claim& finding : record.findings)
        verdict(finding.pass, record.phase.name + ": " + finding.text);
    }
  }

  void checks() {
    heading("Cross-check: what the circuit counted = what the callers saw, to the request");
    for (const Check& check : run_.checks) {
      verdict(check.pass, fmt::format("{:<39} {:>9} {} {:>9}{}", check.claim, grouped(check.circuit),
                                      check.circuit == check.load ? "=" : "≠", grouped(check.load),
                                      check.note.empty() ? "" : "  " + check.note));
    }
    if (run_.checks.empty()) lines_.emplace_back("  no phase came to its end, so there is nothing to compare");
    for (const PhaseRecord& record : run_.phases) {
      for (const Check& check : record.checks) {
        if (check.pass) continue;
        verdict(false, fmt::format("in phase {}: {}: {} against {}: {}", record.phase.name, check.claim, check.circuit,
                                   check.load, check.note));
      }
    }
    std::size_t complete = 0;
    std::size_t agreeing = 0;
    for (const PhaseRecord& record : run_.phases) {
      if (!record.complete) continue;
      ++complete;
      if (std::all_of(record.checks.begin(), record.checks.end(), [](const Check& c) { return c.pass; })) ++agreeing;
    }
    if (complete > 0)
      verdict(agreeing == complete, fmt::format("and in each phase by itself: {} of {}", agreeing, complete));
  }

  const RunRecord& run_;
  bool colours_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> text_report(const RunRecord& run, bool colours) {
  return Report(run, colours).lines();
}

}  // namespace quoll::lab::demo

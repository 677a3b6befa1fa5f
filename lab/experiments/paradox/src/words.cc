#include <fmt/format.h>

#include <algorithm>

#include "quoll/lab/harness/text.h"
#include "quoll/lab/paradox/report.h"

namespace quoll::lab::paradox {

using harness::Claim;
using harness::Environment;
using harness::grouped;
using harness::ms_text;
using harness::Spread;
using harness::Table;

namespace {

std::string percent(double share) {
  const double value = share * 100;
  if (value == 0) return "0 %";
  return value < 0.01 ? "<0.01 %" : fmt::format("{:.{}f} %", value, value < 1 ? 2 : 1);
}

std::string counted(std::uint64_t n, const char* one, const char* many) {
  return n == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}", n == 0 ? "no" : grouped(n), many);
}

// Verdicts show up to a step of the chart after the stall that made them.
constexpr Duration kAfterStall = std::chrono::milliseconds(150);

std::uint64_t false_timeouts_at_stalls(const CellRecord& cell) {
  std::uint64_t sum = 0;
  for (const Tally& one : cell.tallies) {
    const bool during = std::any_of(cell.stalls.begin(), cell.stalls.end(), [&](const Interval& stall) {
      return one.at + kAfterStall >= stall.from && one.at <= stall.to + kAfterStall;
    });
    sum += during ? one.false_timeouts : 0;
  }
  return sum;
}

std::string about_timeouts(const CellRecord& cell) {
  const Summary& s = cell.summary;
  std::string text;
  if (s.false_timeouts == 0) {
    text = fmt::format("{} called none of {} answers in time late", title(cell.caller), grouped(s.in_time));
  } else {
    text = fmt::format("{} called {} of {} answers in time late ({})", title(cell.caller), grouped(s.false_timeouts),
                       grouped(s.in_time), percent(s.false_share()));
    const std::uint64_t at_stalls = false_timeouts_at_stalls(cell);
    if (!cell.stalls.empty()) {
      text += fmt::format(", {} of them during or just after one of its {}",
                          at_stalls == s.false_timeouts ? "all" : grouped(at_stalls),
                          cell.stalls.size() == 1 ? "only stall" : fmt::format("{} stalls", cell.stalls.size()));
    }
  }
  if (s.missed > 0) {
    text += fmt::format(", and passed on {} that came up to {} ms too late", counted(s.missed, "answer", "answers"),
                        ms_text(s.missed_by));
  }
  text += ".";
  if (cell.rescued.value_or(0) > 0 && cell.caller == Caller::quoll_arrival) {
    text += fmt::format(" It got round to {} only after their deadline, and saw that they had arrived before it.",
                        counted(*cell.rescued, "answer", "answers"));
  }
  return text;
}

std::string about_circuit(const CellRecord& cell, const Group& group) {
  const Summary& s = cell.summary;
  if (!has_breaker(cell.caller)) return {};
  std::string text;
  if (s.time_to_open) {
    text += fmt::format(" Its breaker opened {} after the outage began", humanize(*s.time_to_open));
    text += s.time_to_close ? fmt::format(" and closed {} after its end.", humanize(*s.time_to_close))
                            : ", and did not close in the run.";
  } else if (group.backend == Backend::outage) {
    text += " Its breaker did not open in the outage.";
  }
  if (s.false_opens > 0) {
    text += fmt::format(" Its breaker opened {} though the backend was well.",
                        s.false_opens == 1 ? "once" : fmt::format("{} times", s.false_opens));
  }
  return text;
}

std::string about_lateness(const CellRecord& cell) {
  const Spread& late = cell.summary.lateness;
  if (late.count == 0) return {};
  return fmt::format(" {} came {} ms after the deadline in the middle, {} ms at p99 and {} ms at worst.",
                     late.count == 1 ? "The 1 timeout that was right"
                                     : fmt::format("The {} timeouts that were right", grouped(late.count)),
                     ms_text(late.p50), ms_text(late.p99), ms_text(late.max));
}

std::vector<std::string> row(const CellRecord& cell, bool outage) {
  const Summary& s = cell.summary;
  std::vector<std::string> cells = {
      std::string(title(cell.caller)), grouped(s.calls),
      s.false_timeouts == 0 ? "0" : fmt::format("{} {:.1f}%", grouped(s.false_timeouts), s.false_share() * 100),
      grouped(s.missed)};
  const bool breaker = has_breaker(cell.caller);
  cells.push_back(!breaker             ? "-"
                  : s.false_opens == 0 ? grouped(s.opens)
                                       : fmt::format("{} ({})", s.opens, s.false_opens));
  cells.push_back(s.lateness.count == 0 ? "-" : ms_text(s.lateness.p99) + "/" + ms_text(s.lateness.max));
  if (outage) {
    cells.push_back(s.time_to_open ? humanize(*s.time_to_open) : "-");
    cells.push_back(s.time_to_close ? humanize(*s.time_to_close) : "-");
  } else {
    cells.push_back(fmt::format("{:.0f}", s.goodput));
    cells.push_back(ms_text(s.latency.p99));
  }
  return cells;
}

}  // namespace

std::string sentence(const CellRecord& cell, const Group& group) {
  if (!cell.skipped.empty()) return fmt::format("{} was left out: {}.", title(cell.caller), cell.skipped);
  return about_timeouts(cell) + about_circuit(cell, group) + about_lateness(cell);
}

std::string cell_line(const CellRecord& cell) {
  if (!cell.skipped.empty()) return fmt::format("  {:<14}  skipped: {}", title(cell.caller), cell.skipped);
  const Summary& s = cell.summary;
  std::string text = fmt::format("  {:<14}  {} calls, {} false, {} missed", title(cell.caller), grouped(s.calls),
                                 grouped(s.false_timeouts), grouped(s.missed));
  if (has_breaker(cell.caller)) text += fmt::format(", {}", counted(s.opens, "opening", "openings"));
  if (s.false_opens > 0) text += fmt::format(" ({} false)", s.false_opens);
  return text + (cell.problem.empty() ? "" : ": " + cell.problem);
}

std::vector<std::string> group_table(const GroupRecord& group) {
  const bool outage = group.group.backend == Backend::outage;
  std::vector<std::string> header = {"caller", "calls", "false", "missed", "opens", "late ms"};
  for (const char* more :
       outage ? std::array<const char*, 2>{"opened", "closed"} : std::array<const char*, 2>{"good/s", "p99 ms"}) {
    header.emplace_back(more);
  }
  Table table(std::move(header));
  std::vector<std::string> skipped;
  for (const CellRecord& cell : group.cells) {
    if (cell.skipped.empty()) {
      table.add(row(cell, outage));
    } else {
      skipped.push_back(cell_line(cell));
    }
  }
  std::vector<std::string> lines = table.lines();
  lines.insert(lines.end(), skipped.begin(), skipped.end());
  return lines;
}

std::vector<Claim> claims(const Record& run) {
  std::vector<Claim> out;
  const auto all = totals(run);
  const auto quoll =
      std::find_if(all.begin(), all.end(), [](const Total& t) { return t.caller == Caller::quoll_arrival; });
  if (quoll == all.end()) return out;
  out.push_back(
      {quoll->false_timeouts == 0,
       fmt::format("Quoll called {} of {} answers in time late.",
                   quoll->false_timeouts == 0 ? "none" : grouped(quoll->false_timeouts), grouped(quoll->in_time))});
  out.push_back({quoll->missed == 0,
                 fmt::format("Quoll passed on {} that came too late.", counted(quoll->missed, "answer", "answers"))});
  out.push_back({quoll->false_opens == 0,
                 fmt::format("Quoll's breaker opened {} without cause.",
                             quoll->false_opens == 0 ? "not once" : fmt::format("{} times", quoll->false_opens))});
  return out;
}

std::vector<std::string> closing(const Record& run) {
  std::vector<std::string> lines = {"", "Over all of it"};
  Table table({"caller", "calls", "in time", "called late", "share", "missed", "false opens"});
  for (const Total& total : totals(run)) {
    const double share =
        total.in_time == 0 ? 0 : static_cast<double>(total.false_timeouts) / static_cast<double>(total.in_time);
    table.add({std::string(title(total.caller)), grouped(total.calls), grouped(total.in_time),
               grouped(total.false_timeouts), percent(share), grouped(total.missed),
               has_breaker(total.caller) ? grouped(total.false_opens) : "-"});
  }
  for (std::string& line : table.lines()) lines.push_back(std::move(line));
  lines.emplace_back();
  for (const Claim& claim : claims(run)) lines.push_back((claim.pass ? "PASS  " : "FAIL  ") + claim.text);
  for (const std::string& problem : run.problems) lines.push_back("FAIL  " + problem);
  double load = 0;
  for (const GroupRecord& group : run.groups) {
    for (const CellRecord& cell : group.cells) load = std::max(load, cell.load_average);
  }
  const Environment& e = run.environment;
  lines.emplace_back();
  lines.push_back(fmt::format("{} cores, {}, {}; load average up to {:.1f}.", e.cores, e.cpu, e.kernel, load));
  lines.push_back(fmt::format("Guard band {}; breaker: {:.0f} % of {}, reset after {}.", humanize(run.band),
                              kThreshold * 100, format_duration(kWindow), format_duration(kReset)));
  return lines;
}

}  // namespace quoll::lab::paradox

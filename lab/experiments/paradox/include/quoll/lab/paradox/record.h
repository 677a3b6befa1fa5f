// The record of a run of the paradox: a cell's verdicts, and the series that its chart shows.
//
// Times of the series are counted from the start of the cell's load.
//
// Thread-compatible: plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quoll/lab/harness/run.h"
#include "quoll/lab/paradox/plan.h"
#include "quoll/lab/paradox/verdicts.h"

namespace quoll::lab::paradox {

// Something between two times of the cell: a stall, or the outage.
struct Interval {
  Duration from{};
  Duration to{};
};
struct Sample {
  Duration at{};
  Duration value{};
};
// So many verdicts of a kind within one step of the chart.
struct Tally {
  Duration at{};
  std::uint64_t false_timeouts = 0;
  std::uint64_t true_timeouts = 0;
  std::uint64_t missed = 0;
};
struct Change {
  Duration at{};
  std::string to = {};
  bool false_open = false;
};

struct CellRecord {
  Caller caller = Caller::quoll_arrival;
  std::string skipped = {};  // why; empty when it ran
  std::string problem = {};  // it ran, and its figures cannot be trusted
  std::string command = {};
  Summary summary = {};
  Duration length{};
  // Stalls that the pressure made, as its events say.
  std::vector<Interval> stalls = {};
  std::optional<Interval> outage = {};
  // How late the caller's loop was (Quoll only), and how long its threads waited for a CPU in each step (all).
  std::vector<Sample> loop_lag = {};
  std::vector<Sample> cpu_wait = {};
  Duration max_loop_lag{};
  std::vector<Tally> tallies = {};
  std::vector<Change> changes = {};
  std::optional<std::uint64_t> rescued = {};  // Quoll only
  std::optional<std::uint64_t> unstamped = {};
  double load_average = 0;  // of the machine, at the end of the cell
};

struct GroupRecord {
  Group group = {};
  std::vector<CellRecord> cells = {};
};

struct Record : harness::Record {
  Duration band = kGuardBand;
  std::vector<GroupRecord> groups = {};

  // Quoll by arrival said nothing wrong, and nothing failed.
  bool ok() const;
};

// The claims about one caller over all groups.
struct Total {
  Caller caller = Caller::quoll_arrival;
  std::uint64_t calls = 0;
  std::uint64_t in_time = 0;
  std::uint64_t false_timeouts = 0;
  std::uint64_t missed = 0;
  std::uint64_t false_opens = 0;
};
std::vector<Total> totals(const Record& run);

// Puts calls into steps of the chart.
std::vector<Tally> tally(const std::vector<Call>& calls, TimePoint start, Duration step);

}  // namespace quoll::lab::paradox

// What the scenarios compute from a run.
//
// Thread-safe: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "quoll/sim/scenario.h"

namespace quoll::sim {

inline constexpr double kNever = __builtin_nan("");

Figure count_of(std::string key, std::string title, std::uint64_t value);
Figure percent_of(std::string key, std::string title, double part, double whole);
Figure figure(std::string key, std::string title, Unit unit, double value);

// Index of the phase with this name; it must exist.
std::size_t phase_index(const Plan& plan, std::string_view name);
const Counts& in_phase(const Plan& plan, const RunResult& run, std::string_view name);
Duration length_of(const Plan& plan, std::string_view name);

// Requests that ended in it.
std::uint64_t ended(const Counts& counts);
double good_share(const Counts& counts);
double good_per_second(const Plan& plan, const RunResult& run, std::string_view phase);
// Of good answers, as clients see them; NaN without any.
double p99_millis(const Plan& plan, const RunResult& run, std::string_view phase);

// Seconds from `from` until, for five seconds on end, 90 % of the requests that end are good; NaN if that never comes.
double recovered_after(const RunResult& run, Duration from);
// Seconds from `from` to the first change to `state` at or after it, before `until`; NaN if none.
double reached_after(const RunResult& run, core::State state, Duration from, Duration until);
// Changes to open within [from, until).
std::uint64_t opened_within(const RunResult& run, Duration from, Duration until);
// The longest timeout that an attempt was given within [from, until), trials left out.
Duration longest_timeout(const RunResult& run, Duration from, Duration until);

// The result with this name; it must exist.
const SetupResult& named(const std::vector<SetupResult>& results, std::string_view name);
// "4.6 s", "85.1 %", "1,204"; "–" for a NaN.
std::string words(double value, Unit unit);

// Phases one after the other.
class PlanMaker {
 public:
  // Where the phase begins.
  Duration phase(std::string name, Duration length);
  void change(Duration at, Change::What what, double value, int endpoint = -1);
  Plan take();

 private:
  Plan plan_;
};

}  // namespace quoll::sim

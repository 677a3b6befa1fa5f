// run(): one set-up through one course of events, in virtual time.
//
// The policies are those of core, given virtual `now`; nothing of them is modelled. After each event the invariants
// are checked:
//
//   accounting  each client request ends exactly once: arrived = ended + waiting
//   permits     slots of the concurrency limit in use = attempts under way that hold one
//   trials      a half-open breaker has at most half_open_permits under way, and they are those that it thinks it has
//   budget      retries stay under a token bucket of the budget's size and rates (plus what its stripes may hold back)
//   time        never goes back
//
// One that is broken ends the run with an error of code "invariant" that names the time, the event and the seed.
//
// Deterministic: the same binary, config, course and seed give the same events, and `hash` is over all of them.
//
// Thread-safe: a run shares nothing with another.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/histogram.h"
#include "quoll/base/result.h"
#include "quoll/core/breaker_types.h"
#include "quoll/sim/config.h"

namespace quoll::sim {

// What the scenario does to the world, and when (from the start of the run).
struct Change {
  enum class What : std::uint8_t {
    rate,     // value: times the configured one
    service,  // value: times the configured mean
    errors,   // value: share of calls answered with an error
    hang,     // value: 1 calls are swallowed, 0 not
    down,     // value: 1 calls are refused at once, 0 not
    stalls,   // value: 1 on, 0 off
  };
  Duration at{};
  What what = What::rate;
  double value = 0;
  // Which endpoint; -1 all.
  int endpoint = -1;
};

// A named stretch of the run, for sums and charts.
struct Phase {
  std::string name;
  Duration from{};
  Duration to{};
};

// Bugs that can be put into the simulator on purpose, so that the checks are known to work.
enum class Fault : std::uint8_t {
  none,
  leak_permit,
  end_twice,
  lose_request,
  overspend_budget,
  extra_trial,
  turn_back
};

struct Plan {
  std::vector<Phase> phases;  // one after the other from 0; the run's length is the end of the last
  std::vector<Change> changes;
  Duration bucket = std::chrono::seconds(1);  // of the series
};

// How a client's request ends.
enum class End : std::uint8_t {
  good,     // a good answer while the client waited
  failed,   // an error, after whatever was tried
  refused,  // by one of our policies, at once
  gave_up,  // the client did, before any answer
};
inline constexpr std::size_t kEnds = 4;

// What happened in a stretch of time. Requests are counted where they end.
struct Counts {
  std::uint64_t arrived = 0;
  std::array<std::uint64_t, kEnds> ended{};
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t hedges = 0;
  std::uint64_t timeouts = 0;        // attempts judged so
  std::uint64_t false_timeouts = 0;  // of which the answer had arrived in time
  std::uint64_t rescued = 0;         // in time, and a timer would have said timeout
  std::uint64_t hangs = 0;           // timeouts of calls that the backend swallowed
  Duration hang_wait{};              // sum of the times until those were given up
  std::uint64_t wasted = 0;          // answers that nobody waited for any more
  std::uint64_t backend_full = 0;    // refused by the backend's queue
  std::uint64_t bad_endpoint = 0;    // attempts sent to endpoint 0

  std::uint64_t of(End end) const { return ended[static_cast<std::size_t>(end)]; }
  void add(const Counts& other);
};

struct Bucket {
  Duration from{};
  Counts counts;
  Duration p50{};
  Duration p99{};  // of good answers, as the client sees them; zero without any
  // At its end.
  unsigned in_backend = 0;     // queued and served
  unsigned in_process = 0;     // requests this process holds
  Duration timeout{};          // in force for the next attempt; zero for none
  Duration longest_timeout{};  // of the attempts sent in it that were no trials
  unsigned limit = 0;          // of the concurrency limit; zero without one
  double share = 1;            // admitted: by admission control, or not refused by the throttle
};

struct StateChange {
  Duration at{};
  int endpoint = -1;  // -1: the one for all
  core::State from = core::State::closed;
  core::State to = core::State::closed;
  std::string text;
};
struct EjectionNote {
  Duration at{};
  unsigned endpoint = 0;
  Duration out_for{};
  std::string text;
};

struct RunResult {
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  Duration length{};
  std::vector<Bucket> buckets;
  std::vector<Counts> phases;        // beside Plan::phases
  std::vector<Histogram> latencies;  // of good answers, by phase
  Counts total;
  std::vector<StateChange> states;  // up to kMaxStates
  std::vector<EjectionNote> ejections;
  std::uint64_t opened = 0;    // of all breakers
  Duration first_hang_wait{};  // how long the first swallowed call was waited for; zero without one
  unsigned most_in_process = 0;

  static constexpr std::size_t kMaxStates = 2000;
};

// `config` must be valid, `plan` have a phase. A hundred thousand requests more than the process can hold, or so, are
// not an error; memory grows with what is under way.
Result<RunResult> run(const Config& config, const Plan& plan, std::uint64_t seed, Fault fault = Fault::none);

Result<Fault> parse_fault(std::string_view text);
const char* to_string(End end);

}  // namespace quoll::sim

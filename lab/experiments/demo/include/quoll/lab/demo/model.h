// What an experiment records: plain values that the live view draws, the checks judge and the report shows.
//
// Every time is a Duration since the start of the run, on one axis for all parts.
//
// Thread-compatible: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/lab/demo/phases.h"
#include "quoll/lab/harness/counts.h"
#include "quoll/lab/harness/run.h"

namespace quoll::lab::demo {

// The load generator's counts, of a second or of a phase.
struct Traffic {
  std::uint64_t requests = 0;
  double rps = 0;  // answers a second
  Duration p50{};
  Duration p95{};
  Duration p99{};
  Duration max{};
  harness::CountMap status = {};    // by status code
  harness::CountMap fallback = {};  // by Quoll-Fallback: none, open, timeout, error, other
  harness::CountMap errors = {};    // requests without a whole answer, by kind

  std::uint64_t error_count() const;
  // Answers that the backend gave: those without Quoll-Fallback.
  std::uint64_t answered() const { return harness::count_of(fallback, "none"); }
  // Answers that the proxy gave instead.
  std::uint64_t fallbacks() const;
  // Counts only; the latencies of two runs cannot be added.
  void add_counts(const Traffic& other);
};

struct LoadTick {
  Duration at{};      // its end
  Duration length{};  // normally 1 s
  Traffic traffic = {};
};

// A change of the circuit's state, with the journal's explanation.
struct StateChange {
  std::uint64_t sequence = 0;
  Duration at{};
  std::string from = {};
  std::string to = {};
  std::string reason = {};
  std::string text = {};
};

// One sample of the proxy from outside.
struct CircuitSample {
  Duration at{};
  std::string state = {};
  std::string explanation = {};
  double state_seconds = 0;
  std::uint64_t window_total = 0;
  double failure_rate = 0;  // percent of the window
  double slow_rate = 0;
  Duration lag{};      // the longest loop lag since the sample before, over all workers
  Duration lag_10s{};  // the longest of the last 10 s, as the proxy says
};

// The proxy's counters since it started.
struct Counters {
  harness::CountMap events = {};    // quoll_circuit_events_total by event
  harness::CountMap attempts = {};  // quoll_attempts_total by outcome
};
// The counts between two readings.
Counters difference(const Counters& after, const Counters& before);

struct Check {
  bool pass = false;
  std::string claim = {};     // "rejected while open"
  std::uint64_t circuit = 0;  // what the proxy counted
  std::uint64_t load = 0;     // what the load generator saw
  std::string note = {};      // why it does not fit; empty when it does
};

struct PhaseRecord {
  Phase phase = {};
  Duration start{};
  std::optional<Duration> end = {};  // nothing while it lasts
  Traffic traffic = {};
  bool reported = false;   // the load generator's result is in `traffic`
  bool complete = false;   // and what the proxy counted is in `counters`: the phase came to its end
  Counters counters = {};  // what the proxy counted in it
  // Derived by summarise().
  std::map<std::string, Duration> time_in_state = {};
  std::uint64_t opens = 0;
  std::uint64_t closes = 0;
  std::uint64_t half_opens = 0;
  Duration max_lag{};
  std::vector<Check> checks = {};
  std::vector<harness::Claim> findings = {};
};

struct Part {
  std::string name = {};     // "proxy"
  std::string command = {};  // as a shell would take it
  std::string address = {};  // "127.0.0.1:3000"; empty when it listens nowhere
};

// Something done to the system at a time: "the backend hangs".
struct Mark {
  Duration at{};
  std::string text = {};
};

struct RunRecord : harness::Record {
  bool quick = false;
  std::string verdict = {};
  unsigned rate = 0;  // calls a second; 0: closed loop
  unsigned connections = 0;
  std::string breaker = {};  // the settings in words
  std::vector<Part> parts = {};
  Duration planned{};
  std::vector<PhaseRecord> phases = {};
  std::vector<LoadTick> ticks = {};
  std::vector<CircuitSample> samples = {};
  std::vector<StateChange> changes = {};
  std::vector<Mark> marks = {};
  std::vector<Check> checks = {};  // over the whole run

  // Nothing failed, and every check and finding passed.
  bool ok() const;
};

}  // namespace quoll::lab::demo

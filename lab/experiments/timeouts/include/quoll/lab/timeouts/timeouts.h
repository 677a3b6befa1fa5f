// The experiment of fixed and adaptive timeouts: the same backend, load and seed, once with each.
//
// The backend is healthy, may become slower (and stays healthy), and hangs at the end. A timeout is wrong when it cuts
// off an answer that would have come: before the hang that is every one. It is late by the time for which it holds
// callers of a backend that hangs.
//
// Thread-compatible: for the thread that lives to the end of the program (see process.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/lab/harness/cell_parts.h"
#include "quoll/lab/harness/run.h"

namespace quoll::lab::timeouts {

// A while in which the backend behaves alike. Times are counted from the start of the load.
struct Phase {
  std::string name;
  Duration from{};
  Duration to{};
  bool hang = false;
  Duration delay_low{};
  Duration delay_high{};
};
struct Scenario {
  std::string name;  // "steady", "shift"
  std::string title;
  std::vector<Phase> phases;
};

struct PhaseResult {
  Phase phase = {};
  std::uint64_t calls = 0;
  std::uint64_t good = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t refused = 0;  // by the open circuit
  std::uint64_t other = 0;
  Duration p50{};  // of all that were answered, by the backend or by us
  Duration p99{};
  // Of timeouts: for how long callers were held.
  Duration held_p50{};
  Duration held_p99{};
};

struct Point {
  Duration at{};
  Duration value{};
};

struct Cell {
  bool adaptive = false;
  std::string command = {};
  std::vector<PhaseResult> phases = {};
  double goodput = 0;                    // good answers a second, before the hang
  std::uint64_t cut_off = 0;             // timeouts before the hang: answers that would have come
  std::uint64_t openings = 0;            // of the circuit, before the hang
  std::optional<Duration> noticed = {};  // from the hang's start to the first timeout
  std::optional<Duration> opened = {};   // and to the first call that the open circuit refused
  std::vector<Point> timeout = {};       // in force
  std::vector<Point> latency = {};       // p99 of the good answers of each kLatencyStep, by its start
};

struct ScenarioResult {
  Scenario scenario = {};
  std::vector<Cell> cells = {};  // fixed, adaptive

  std::size_t phases_before_hang() const;
};

struct Record : harness::Record {
  std::vector<ScenarioResult> scenarios = {};

  bool ok() const;
};

inline constexpr Duration kFixed = std::chrono::milliseconds(500);
inline constexpr unsigned kRate = 200;  // calls a second
inline constexpr Duration kLatencyStep = std::chrono::milliseconds(250);

std::vector<Scenario> scenarios(bool quick);
// Errors: those of CellParts.
Result<Cell> run_cell(const harness::PartsContext& context, const Scenario& scenario, bool adaptive);
// Puts the calls into their phases. `start`: of the load.
void evaluate(Cell& cell, const Scenario& scenario, const std::vector<harness::LoggedCall>& calls, TimePoint start);

std::vector<harness::Claim> claims(const Record& record);
std::vector<std::string> table_of(const ScenarioResult& result);
// One object, without a newline.
std::string to_json(const Record& record);

// The exit code: 0; 1 when a claim did not hold or a part failed; 130 when Ctrl-C ended the run.
int run(const harness::RunOptions& options);

}  // namespace quoll::lab::timeouts

// The experiment of the incoming flood: more than can be served, uncontrolled and controlled.
//
// Two bottlenecks. In `proxy` the proxy itself is short of CPU (a quota) and the backend is fast: what controls is
// admission by the kernel's arrival of each request. In `backend` the backend slows down with each further request in
// progress: what controls is an adaptive concurrency limit. The load is open: it comes however it fares.
//
// What counts is goodput: answers of the backend that a client has got within its deadline, counted from when the call
// was due; of the calls that were due after `kFirstQueue`: a server without a queue yet keeps up with any load for a
// while.
//
// Thread-compatible: for the thread that lives to the end of the program (see process.h).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/lab/harness/cell_parts.h"
#include "quoll/lab/harness/run.h"

namespace quoll::lab::flood {

enum class Bottleneck : std::uint8_t { proxy, backend };
const char* to_string(Bottleneck bottleneck);
const char* title(Bottleneck bottleneck);

inline constexpr Duration kDeadline = std::chrono::milliseconds(500);  // the clients'
inline constexpr Duration kFirstQueue = std::chrono::seconds(2);
// Claimed of the backend from twice the capacity on. Of the proxy only that at its capacity answers stay in time: to
// refuse a request costs it a good part of what passing one on does, so that refusing takes all of its CPU at 2x.
inline constexpr double kLeastGain = 1.5;
inline constexpr unsigned kQuotaPercent = 10;
inline constexpr std::array<unsigned, 3> kFactors = {1, 2, 5};  // times the capacity

struct Cell {
  unsigned factor = 1;
  bool controlled = false;
  std::string command = {};
  double rate = 0;  // calls a second
  Duration length{};
  std::uint64_t calls = 0;
  std::uint64_t in_deadline = 0;  // answered by the backend within the deadline
  std::uint64_t late = 0;         // answered by it after the deadline
  std::uint64_t shed = 0;         // 503
  std::uint64_t timeouts = 0;     // 504
  std::uint64_t lost = 0;         // no answer, or never sent
  double goodput = 0;             // a second, after kFirstQueue
  Duration p50{};                 // of the backend's answers
  Duration p99{};
  Duration shed_p50{};     // of refusals: how soon a client knew
  Duration queue_delay{};  // mean, of the requests that were read
  std::uint64_t openings = 0;
  std::uint64_t peak_memory = 0;            // of the proxy, bytes
  std::vector<double> goodput_series = {};  // a second, for each half second of when the calls were due
};

struct Group {
  Bottleneck bottleneck = Bottleneck::proxy;
  std::string skipped = {};  // why
  double capacity = 0;       // answers a second in a closed loop
  std::vector<Cell> cells = {};
};

struct Record : harness::Record {
  std::vector<Group> groups = {};

  bool ok() const;
};

// Answers a second of the uncontrolled system, asked by as many as it answers best.
Result<double> measure_capacity(const harness::PartsContext& context, Bottleneck bottleneck, bool quick);
// Errors of both: those of CellParts.
Result<Cell> run_cell(const harness::PartsContext& context, Bottleneck bottleneck, double capacity, unsigned factor,
                      bool controlled, Duration length);
// Sorts the calls of a load that began at `start`.
void evaluate(Cell& cell, const std::vector<harness::LoggedCall>& calls, TimePoint start);

std::vector<harness::Claim> claims(const Record& record);
std::vector<std::string> table_of(const Group& group);
// One object, without a newline.
std::string to_json(const Record& record);

// The exit code: 0; 1 when a claim did not hold or a part failed; 130 when Ctrl-C ended the run.
int run(const harness::RunOptions& options);

}  // namespace quoll::lab::flood

// Reading the output of the parts: /circuit-status of the proxy, and the lines of `quoll load --live-json`.
//
// Lenient towards additions, strict about what is used: a missing or mistyped field is an error that names it.
//
// Thread-safe: free functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/lab/demo/model.h"

namespace quoll::lab::demo {

struct CircuitStatus {
  CircuitSample sample;  // `at` and `lag` are the caller's to fill in
  Duration lag_now{};    // the longest current lag over the workers
  // The journal's entries, oldest first; `at` is since `epoch`, the wall-clock time of the run's start.
  std::vector<StateChange> changes;
};

// Reads the first circuit.
Result<CircuitStatus> parse_circuit_status(std::string_view json, WallTime epoch);

struct LoadLine {
  bool is_result = false;
  Duration t{};       // since the load's start; of a tick
  Duration length{};  // of a tick
  Traffic traffic;
};

// Nothing for a line that is neither a tick nor a result.
Result<std::optional<LoadLine>> parse_load_line(std::string_view json);

// "2026-11-23T20:53:31.123Z" (any number of decimals, Z or no offset at all).
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace quoll::lab::demo

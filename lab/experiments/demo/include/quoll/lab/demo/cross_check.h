// The checks: the circuit's own counters against what the load generator saw, to the request, and what each phase must
// have shown.
//
// Thread-safe: free functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "quoll/lab/demo/model.h"

namespace quoll::lab::demo {

// Each request ends in exactly one of reject, success, failure, timeout (or cancelled, ignored), and its answer says
// which: Quoll-Fallback open, none, error, timeout. A request without a whole answer leaves open what it ended in, so
// with `e` such requests the circuit may have counted up to `e` more; without, the numbers must be equal.
std::vector<Check> cross_check(const Counters& circuit, const Traffic& load);

// How long each state held in [start, end): from the state at `start` and the changes (in order, any span).
std::map<std::string, Duration> time_in_states(const std::string& state_at_start,
                                               const std::vector<StateChange>& changes, Duration start, Duration end);

// The state that held at a time: that of the last change up to it, or the one before the first change.
std::string state_at(const RunRecord& run, Duration when);

// Fills in what is derived from the recorded values: states, opens, lag, checks and findings of every ended phase,
// and the checks over the whole run.
void summarise(RunRecord& run);

}  // namespace quoll::lab::demo

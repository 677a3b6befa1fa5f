// Outcome and Sample: what a policy learns of one finished call.
//
// A sample splits the time of a call in two, because they have different culprits. `upstream` is the time from "the
// last byte of the request left" to "the answer arrived at this machine": the callee's doing, the only part a policy
// learns from. `local` is the time from "arrived" to "we looked": our own doing, reported and never held against the
// callee.
//
// Thread-compatible: plain values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quoll/base/time.h"

namespace quoll::core {

enum class Outcome : std::uint8_t {
  success,
  failure,    // an answer that says no: 5xx, a protocol error, a reset, a refused connection
  timeout,    // no answer had arrived by the deadline
  cancelled,  // the caller went away; says nothing of the callee
  ignored,    // must not be held against the callee: an inconclusive verdict, an error of the caller's own
};
inline constexpr std::size_t kOutcomes = 5;

struct Sample {
  Outcome outcome = Outcome::success;
  // Sent to arrived (for a timeout without an answer: sent to the deadline). What policies learn from.
  Duration upstream{};
  // Arrived to judged: our own delay. Reported only.
  Duration local{};
  // In time, but a verdict by timer would have called it a timeout.
  bool rescued = false;
};

// A word for a metric or a log line: "timeout".
const char* to_string(Outcome outcome);

}  // namespace quoll::core

// Replay: what a breaker, an adaptive timeout and a concurrency limit would have done to calls that were recorded.
//
// Each policy is alone with the trace, so that what it does can be told from what another does. A call that a policy
// refuses teaches it nothing, as it would not have been made. A call that was answered later than the adaptive timeout
// is one that it cuts off: learned as a timeout of that length.
//
// What a trace can't tell: how callers and callee would have acted had the policy been there (fewer calls make a
// callee faster), and how long a call would have taken that the recorded caller gave up on.
//
// A trace is CSV with a header:
//
//   time,latency,outcome      times with a unit ("1.5s", "40ms"), or columns time_s, time_ms, time_us, time_ns,
//                             latency_s, ... with bare numbers; other columns are ignored
//   id,connection,...         what `quoll load --requests-log` writes, told by its header
//
// outcome is success, failure, timeout, cancelled or ignored. For a timeout the latency is how long the caller waited.
//
// Thread-safe: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/core/breaker_types.h"
#include "quoll/core/outcome.h"
#include "quoll/sim/config.h"

namespace quoll::sim {

struct TraceCall {
  Duration at{};  // sent, from the first one
  Duration latency{};
  core::Outcome outcome = core::Outcome::success;
};

struct Trace {
  std::vector<TraceCall> calls;  // by time
  std::uint64_t skipped = 0;     // rows of calls that were never sent
};

// Errors: "trace", as "FILE:LINE:COLUMN: what and what would be right"; the first fault ends it. At least one call.
Result<Trace> parse_trace(std::string_view text, std::string_view file);

// A set of options under a name.
struct Variant {
  std::string name;
  Config config;
};
// The groups that settings may be of.
const std::vector<std::string>& replay_groups();
// "key=value" is for all variants, "name:key=value" makes the variant `name` or adds to it. Without variants there is
// one, "as set". Errors: "usage".
Result<std::vector<Variant>> parse_variants(const std::vector<std::string>& settings);

struct BreakerReplay {
  std::uint64_t opened = 0;
  Duration open_for{};  // open or half open, in all
  std::uint64_t rejected = 0;
  std::uint64_t rejected_good = 0;            // of which were good answers
  std::uint64_t rejected_bad = 0;             // failures and timeouts spared
  std::vector<core::Transition> transitions;  // at: from the first call on
};
struct TimeoutReplay {
  Duration least{};
  Duration median{};
  Duration most{};
  std::uint64_t cut_off = 0;     // good answers that it would have cut off
  std::uint64_t sooner = 0;      // recorded timeouts that it would have given up sooner
  Duration sooner_by{};          // on average
  std::uint64_t not_sooner = 0;  // recorded timeouts that it would have waited for longer
};
struct LimitReplay {
  unsigned least = 0;
  unsigned most = 0;
  unsigned at_end = 0;
  std::uint64_t refused = 0;
  unsigned most_in_flight = 0;  // as recorded, whatever the limit
};
struct VariantReplay {
  std::string name;
  BreakerReplay breaker;
  TimeoutReplay timeout;
  LimitReplay limit;
};

struct ReplayResult {
  std::string file;
  std::uint64_t calls = 0;
  std::uint64_t skipped = 0;
  Duration length{};
  std::vector<std::uint64_t> outcomes;  // by core::Outcome
  Duration p50{};                       // of successes
  Duration p99{};
  std::vector<VariantReplay> variants;
};

// The variants' options must be valid.
ReplayResult replay(const Trace& trace, std::string_view file, const std::vector<Variant>& variants);

}  // namespace quoll::sim

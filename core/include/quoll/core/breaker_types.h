// What a breaker says: states, transitions with their evidence, rejections, snapshots. Values without behaviour.
//
// Thread-compatible: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/core/breaker_options.h"

namespace quoll::core {

enum class State : std::uint8_t { closed, open, half_open, forced_open, disabled, metrics_only };

// Why the state changed.
enum class Reason : std::uint8_t {
  failure_rate,
  slow_call_rate,
  consecutive_failures,
  trial_failed,
  trial_slow,
  half_open_expired,  // a trial was under way for half_open_max and did not report
  reset_timeout,      // the time open is over
  trials_succeeded,
  by_hand,
};

// Counts over the window; they stop at the end of 32 bits, and are halved together past 8 million calls in one bucket
// of a shard, which leaves the rates as they are (LifetimeTotals stay exact). A call is a sample that counts towards
// the rates (see CountAs).
struct WindowCounts {
  std::uint32_t calls = 0;
  std::uint32_t failed_calls = 0;  // numerator of the failure rate
  std::uint32_t success = 0;       // by outcome, whatever they count as
  std::uint32_t failure = 0;
  std::uint32_t timeout = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t ignored = 0;
  std::uint32_t slow = 0;
  std::uint32_t rescued = 0;
  std::uint32_t rejected = 0;

  double failure_rate() const { return calls == 0 ? 0 : static_cast<double>(failed_calls) / calls; }
  double slow_rate() const { return calls == 0 ? 0 : static_cast<double>(slow) / calls; }

  friend bool operator==(const WindowCounts&, const WindowCounts&) = default;
};

// What was known when the state changed, and what it was held against. Complete: explain() needs nothing else.
struct Evidence {
  WindowCounts counts;
  // Failures since the last success; kept with consecutive_failures only.
  std::uint32_t consecutive = 0;
  // Trials that succeeded, when leaving half_open.
  std::uint32_t trials_succeeded = 0;
  // Our own longest stall noted in the window; its victims are among counts.rescued and counts.ignored.
  Duration longest_local_stall{};
  // How long it will stay open; zero unless it opened.
  Duration open_for{};

  // The limits in force.
  WindowKind window_kind = WindowKind::time;
  Duration window{};
  std::uint32_t window_calls = 0;
  std::uint32_t minimum_volume = 0;
  double failure_rate_threshold = 0;
  Duration slow_call_threshold{};
  double slow_call_rate_threshold = 0;
  std::uint32_t consecutive_limit = 0;
};

struct Transition {
  std::uint64_t sequence = 0;  // 1, 2, 3 ... for one breaker, without gaps
  TimePoint at{};
  State from = State::closed;
  State to = State::closed;
  Reason reason = Reason::by_hand;
  std::uint32_t generation = 0;  // the generation that begins here
  Evidence evidence;
};

enum class RejectionReason : std::uint8_t { open, half_open_full, ramp, forced_open };

struct Rejection {
  RejectionReason reason = RejectionReason::open;
  // When it makes sense to come back; zero when nobody knows.
  Duration retry_after{};
};

// Since the breaker was made. Exact: a sample is in here once, whatever happened to the window meanwhile.
struct LifetimeTotals {
  std::uint64_t success = 0;
  std::uint64_t failure = 0;
  std::uint64_t timeout = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t ignored = 0;
  std::uint64_t slow = 0;
  std::uint64_t rescued = 0;
  std::uint64_t rejected = 0;
  // Outcomes of an older generation: counted above too, and without effect on the state.
  std::uint64_t stale = 0;
  // Transitions by where they led; other states (by hand) are in none.
  std::uint64_t opened = 0;
  std::uint64_t half_opened = 0;
  std::uint64_t closed = 0;

  // Calls that were admitted and are over.
  std::uint64_t finished() const { return success + failure + timeout + cancelled + ignored; }
};

inline constexpr std::array<double, 9> kSnapshotPercentiles = {0, 25, 50, 75, 90, 95, 99, 99.5, 100};

struct Snapshot {
  std::string name;
  State state = State::closed;
  Mode mode = Mode::automatic;
  TimePoint since{};
  std::uint32_t generation = 0;
  // Until the next trial (open) or until half_open expires; zero elsewhere, when overdue, and with no trial under way.
  Duration remaining{};
  std::uint32_t trials_in_flight = 0;
  std::uint32_t trials_succeeded = 0;
  std::uint32_t consecutive = 0;
  // Share of calls admitted; below 1 in a ramp, 0 when open.
  double admitted_share = 1;
  WindowCounts counts;
  // Upstream latency of the window's calls: exact (to 0.8 %) until a bucket is full, then sampled; extremes are not
  // sampled. Zero without samples. `percentiles` are those of kSnapshotPercentiles; p99() and its like name them.
  std::uint32_t latency_samples = 0;
  Duration mean{};
  std::array<Duration, kSnapshotPercentiles.size()> percentiles{};
  Duration longest_local_stall{};
  LifetimeTotals totals;
  BreakerOptions options;

  Duration fastest() const { return percentiles[0]; }
  Duration p25() const { return percentiles[1]; }
  Duration p50() const { return percentiles[2]; }
  Duration p75() const { return percentiles[3]; }
  Duration p90() const { return percentiles[4]; }
  Duration p95() const { return percentiles[5]; }
  Duration p99() const { return percentiles[6]; }
  Duration p99_5() const { return percentiles[7]; }
  Duration slowest() const { return percentiles[8]; }
};

const char* to_string(State state);
const char* to_string(Reason reason);
const char* to_string(RejectionReason reason);

// `quoll_circuit_state`: 0 closed (and disabled, metrics_only), 1 open (and forced_open), 0.5 half_open.
double gauge(State state);

// In words, for people: "opened: 12 of 20 calls failed (60.0 %, limit 50 %) in the last 10s; 3 answers were rescued
// from our own stall of 612ms".
std::string explain(const Transition& transition);
std::string explain(const Snapshot& snapshot);

}  // namespace quoll::core

// BreakerOptions: every setting of a circuit breaker, with its default, its range and when to change it.
//
// Thread-compatible: a plain value, copied into the breaker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/core/defaulted.h"

namespace quoll::core {

enum class WindowKind : std::uint8_t {
  time,         // the calls of the last `window`
  count,        // the last `window_calls` calls
  consecutive,  // only `consecutive_failures` trips; a time window is kept for the statistics
};

// Who decides. Anything but automatic holds until it is changed by hand.
enum class Mode : std::uint8_t {
  automatic,
  forced_open,   // rejects everything
  disabled,      // admits everything, keeps totals but no window
  metrics_only,  // admits everything and keeps the window, never opens
};

// What an outcome means to the failure rate.
enum class CountAs : std::uint8_t { failure, success, nothing };

struct BreakerOptions {
  // What the rates are taken over. Default time. count suits sparse traffic, where ten seconds hold hardly a call;
  // it is exact to the call, and takes a lock on each. consecutive suits callees that are either up or down.
  WindowKind window_kind = WindowKind::time;
  // Default 10 s; range 10 ms to 1 h. Shorter opens and forgets sooner; it should hold several times minimum_volume.
  Duration window = std::chrono::seconds(10);
  // Steps in which the time window moves. Default 10; range 1 to 60, none shorter than 1 ms. Each beyond 10 costs some
  // 60 bytes a shard.
  unsigned buckets = 10;
  // Size of a count window. Default 100, or minimum_volume if that is more; range 1 to 10,000; 3 bytes each.
  Defaulted<unsigned> window_calls = usual(100U);

  // Share of failed calls at which it opens, inclusive. Default 0.5; above 0, at most 1. Lower for a callee that
  // normally never fails; higher than its normal error rate in any case.
  double failure_rate_threshold = 0.5;
  // No rate is looked at below this many calls in the window. Default 5, or window_calls if a count window is smaller;
  // range 1 to 1,000,000, and at most window_calls for a count window. 1 opens on the first failure; at 5 and 50 %,
  // three failures are needed. Raise it with traffic: with 20, a callee failing at random 30 % of the time passes for
  // dead in 2 % of full windows, with 5 in 16 %.
  Defaulted<unsigned> minimum_volume = usual(5U);
  // A call whose upstream time exceeds this is slow. Default 0: off; range up to 1 h. Set it under the timeout, for
  // callees that get slow before they fail.
  Duration slow_call_threshold{};
  // Share of slow calls at which it opens, inclusive. Default 0.5; above 0, at most 1. Without slow_call_threshold,
  // off.
  double slow_call_rate_threshold = 0.5;
  // Opens after this many failures without a success between them, whatever the rate. Default 0: off; range up to
  // 1,000,000. Needs no minimum volume.
  unsigned consecutive_failures = 0;

  // How long it stays open before a trial. Default 5 s, or reset_timeout_max if that is less; range 1 ms to 24 h. The
  // time the callee needs to restart.
  Defaulted<Duration> reset_timeout = usual(std::chrono::seconds(5));
  // Each failed trial multiplies the time open by this, until it closes. Default 1: off; range 1 to 100.
  double reset_multiplier = 1;
  // No time open is longer. Default 5 min, or reset_timeout if that is more; range reset_timeout to 24 h.
  Defaulted<Duration> reset_timeout_max = usual(std::chrono::minutes(5));
  // The time open is drawn from (1 - jitter, 1 + jitter) times its value. Default 0; range 0 to 1. Use 0.1 to 0.5 with
  // many callers, so that their trials do not come in the same instant.
  double reset_jitter = 0;

  // Trials under way at a time in half_open. Default 1; range 1 to 10,000.
  unsigned half_open_permits = 1;
  // Successful trials that close it; one failed (or slow, if that is on) trial opens it again. Default 1; 1 to 10,000.
  unsigned half_open_successes = 1;
  // It opens again when a trial has been under way for so long and none has reported a success meanwhile: for trials
  // that never report. A success that comes later decides nothing, but the next trials are given twice its time, until
  // the circuit closes. Default 30 s; 0 is no limit; range up to 24 h.
  Duration half_open_max = std::chrono::seconds(30);
  // After closing, the share of calls admitted grows linearly from ramp_start to all within this time. Default 0: off;
  // range up to 1 h. For callees that fall over when everybody comes back at once.
  Duration ramp{};
  // Default 0.1; range 0.01 to 1.
  double ramp_start = 0.1;
  // It does not open in this time from the first call on, and then starts with an empty window. Default 0: off; range
  // up to 1 h. For callees that fail while they start.
  Duration warm_up{};
  // Default automatic.
  Mode mode = Mode::automatic;

  // What outcomes mean. `ignored` counts as nothing always. Defaults: failures and timeouts are failures, cancelled
  // calls say nothing; a dropped permit says nothing in any case. A caller whose deadlines are tighter than the callee
  // promises may want timeouts = nothing.
  CountAs failures = CountAs::failure;
  CountAs timeouts = CountAs::failure;
  CountAs cancellations = CountAs::nothing;

  // Copies of the counters, so that threads do not share a cache line. Default 2; range 1 to 16: the number of threads
  // that call it most. Each costs 1 KiB.
  unsigned shards = 2;

  // Every fault, each naming the option, its value and the allowed range; empty when all is well.
  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  BreakerOptions resolved() const;
};

const char* to_string(WindowKind kind);
const char* to_string(Mode mode);
const char* to_string(CountAs meaning);

}  // namespace quoll::core

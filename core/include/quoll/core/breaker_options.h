// BreakerOptions: every setting of a circuit breaker, with its default, its range and when to change it.
//
// Thread-compatible: a plain value, copied into the breaker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/schema.h"
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
  WindowKind window_kind = WindowKind::time;
  Duration window = std::chrono::seconds(10);
  unsigned buckets = 10;
  Defaulted<unsigned> window_calls = usual(100U);

  double failure_rate_threshold = 0.5;
  Defaulted<unsigned> minimum_volume = usual(5U);
  Duration slow_call_threshold{};
  double slow_call_rate_threshold = 0.5;
  unsigned consecutive_failures = 0;

  Defaulted<Duration> reset_timeout = usual(std::chrono::seconds(5));
  double reset_multiplier = 1;
  Defaulted<Duration> reset_timeout_max = usual(std::chrono::minutes(5));
  double reset_jitter = 0;

  unsigned half_open_permits = 1;
  unsigned half_open_successes = 1;
  Duration half_open_max = std::chrono::seconds(30);
  Duration ramp{};
  double ramp_start = 0.1;
  Duration warm_up{};
  Mode mode = Mode::automatic;

  CountAs failures = CountAs::failure;
  CountAs timeouts = CountAs::failure;
  CountAs cancellations = CountAs::nothing;

  unsigned shards = 2;

  static void describe(auto&& field) {
    using O = BreakerOptions;
    using std::chrono::hours, std::chrono::milliseconds;
    field(
        "window_kind", &O::window_kind, schema::words_to(WindowKind::consecutive),
        "What the rates are taken over. count suits sparse traffic, where ten seconds hold hardly a call; it is exact "
        "to the call and takes a lock on each. consecutive suits callees that are either up or down.");
    field(
        "window", &O::window, schema::within(milliseconds(10), hours(1)),
        "The length of a time window. Shorter opens and forgets sooner; it should hold several times minimum_volume.");
    field("buckets", &O::buckets, schema::within(1, 60),
          "Steps in which a time window moves, none shorter than 1 ms. Each beyond 10 costs some 60 bytes a shard.");
    field("window_calls", &O::window_calls, schema::within(1, 10'000),
          "Size of a count window, 3 bytes each. Follows minimum_volume if that is more.");
    field("failure_rate_threshold", &O::failure_rate_threshold, schema::share(),
          "Share of failed calls at which it opens, inclusive. Lower for a callee that normally never fails; above its "
          "normal error rate in any case.");
    field(
        "minimum_volume", &O::minimum_volume, schema::within(1, 1'000'000),
        "No rate is looked at below this many calls in the window, at most window_calls of a count window. 1 opens on "
        "the first failure, 5 at 50 % on the third. Raise it with traffic: with 20, a callee failing at random 30 % of "
        "the time passes for dead in 2 % of full windows, with 5 in 16 %.");
    field("slow_call_threshold", &O::slow_call_threshold, schema::within(Duration::zero(), hours(1)).zero_is("off"),
          "A call whose upstream time exceeds this is slow. Set it under the timeout, for callees that get slow before "
          "they fail.");
    field("slow_call_rate_threshold", &O::slow_call_rate_threshold, schema::share(),
          "Share of slow calls at which it opens, inclusive; with slow_call_threshold.");
    field("consecutive_failures", &O::consecutive_failures, schema::within(0, 1'000'000).zero_is("off"),
          "Opens after this many failures without a success between them, whatever the rate and the volume.");
    field("reset_timeout", &O::reset_timeout, schema::within(milliseconds(1), hours(24)),
          "How long it stays open before a trial: the time the callee needs to restart. Follows reset_timeout_max if "
          "that is less.");
    field("reset_multiplier", &O::reset_multiplier, schema::within(1, 100),
          "Each failed trial multiplies the time open by this, until it closes; 1 is off. For long outages and costly "
          "trials.");
    field("reset_timeout_max", &O::reset_timeout_max, schema::within(milliseconds(1), hours(24)),
          "No time open is longer. Follows reset_timeout if that is more.");
    field("reset_jitter", &O::reset_jitter, schema::share(0, 1),
          "The time open is drawn from (1 - jitter, 1 + jitter) times its value. 0.1 to 0.5 with many callers, so that "
          "their trials do not come in the same instant.");
    field("half_open_permits", &O::half_open_permits, schema::within(1, 10'000),
          "Trials under way at a time in half_open.");
    field("half_open_successes", &O::half_open_successes, schema::within(1, 10'000),
          "Successful trials that close it; one failed (or slow, if that is on) trial opens it again.");
    field("half_open_max", &O::half_open_max, schema::within(Duration::zero(), hours(24)).zero_is("no limit"),
          "It opens again when a trial has been under way for so long and none has reported a success meanwhile: for "
          "trials that never report. A success that comes later decides nothing, but the next trials are given twice "
          "its time, until the circuit closes.");
    field("ramp", &O::ramp, schema::within(Duration::zero(), hours(1)).zero_is("off"),
          "After closing, the share of calls admitted grows linearly from ramp_start to all within this time. For "
          "callees that fall over when everybody comes back at once.");
    field("ramp_start", &O::ramp_start, schema::share(0.01, 1), "With ramp: the share admitted at first.");
    field(
        "warm_up", &O::warm_up, schema::within(Duration::zero(), hours(1)).zero_is("off"),
        "It does not open in this time from the first call on, and then starts with an empty window. For callees that "
        "fail while they start.");
    field("mode", &O::mode, schema::words_to(Mode::metrics_only),
          "Who decides; anything but automatic holds until it is changed by hand. Try it out with metrics_only first.");
    field("failures", &O::failures, schema::words_to(CountAs::nothing), "What a failed call counts as.");
    field("timeouts", &O::timeouts, schema::words_to(CountAs::nothing),
          "What a call that timed out counts as. nothing, if deadlines are tighter than what the callee promises.");
    field(
        "cancellations", &O::cancellations, schema::words_to(CountAs::nothing),
        "What a cancelled call counts as; a dropped permit counts as nothing in any case. failure, if clients give up "
        "because the callee is slow.");
    field("shards", &O::shards, schema::within(1, 16),
          "Copies of the counters, 1 KiB each, so that threads do not share a cache line: the number of threads that "
          "call it most.");
  }

  // Every fault, each naming the option, its value and the allowed range; empty when all is well.
  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  BreakerOptions resolved() const;
};

const char* to_string(WindowKind kind);
const char* to_string(Mode mode);
const char* to_string(CountAs meaning);

}  // namespace quoll::core

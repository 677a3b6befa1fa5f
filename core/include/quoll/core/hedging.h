// Hedging: sends a second attempt when the first takes unusually long, and uses whichever answers first.
//
// Why: in a callee of many machines, a slow answer is mostly one machine's bad moment, and another would have answered
// by now. Asking again after the 95th percentile costs about 5 % more load and takes the tail off (Dean and Barroso,
// "The Tail at Scale", CACM 2013).
//
//   delay = quantile of recent latencies, at least min_delay; learned from arrivals, see latency_quantile.h
//
// Why a budget, too: when the whole callee slows down, every call is unusually long for a while, and hedging would
// double the load just then. The budget (as for retries) bounds hedges to a share of the traffic whatever happens; and
// the quantile follows the shift, since the attempts that lose are learned from as well, as "at least so long".
//
// Use: start() once a call; it says how long to wait before hedging. When that has passed without an answer, ask
// try_hedge(now); on a yes send the next attempt, and cancel the others when one has answered. Only for calls that may
// be repeated. Tell record() what became of each attempt: the winner a success, a loser Outcome::cancelled with the
// time it had taken so far as `upstream`.
//
// Thread-safe. The budget is shared with whom you like and outlives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/defaulted.h"
#include "quoll/core/latency_quantile.h"
#include "quoll/core/outcome.h"
#include "quoll/core/retry.h"

namespace quoll::core {

struct HedgingOptions {
  double quantile = 0.95;
  Defaulted<Duration> min_delay = usual(std::chrono::milliseconds(1));
  Defaulted<Duration> max_delay = usual(std::chrono::seconds(1));
  unsigned max_attempts = 2;
  Defaulted<unsigned> warm_up = usual(32U);
  Defaulted<unsigned> window = usual(512U);
  RetryBudgetOptions budget = {.ratio = 0.1, .minimum_per_second = 1, .capacity = 20};

  static void describe(auto&& field) {
    using O = HedgingOptions;
    using std::chrono::hours;
    field("quantile", &O::quantile, schema::share(0.5, 0.9999),
          "Of the latencies: a call that takes longer is hedged. 0.99 is less load and less gain.");
    field("min_delay", &O::min_delay, schema::within(Duration::zero(), hours(1)),
          "No hedge is sent sooner: below the cost of a connection there is nothing to gain. Follows max_delay if that "
          "is less.");
    field("max_delay", &O::max_delay, schema::within(Duration::zero(), hours(1)),
          "The longest delay, and the one in warm-up. Follows min_delay if that is more.");
    field("max_attempts", &O::max_attempts, schema::within(1, 5), "Attempts in all; 1 turns hedging off.");
    field("warm_up", &O::warm_up, schema::within(1, 60'000),
          "Samples before the quantile is believed, at most window, which it follows if that is less.");
    field("window", &O::window, schema::within(64, 60'000),
          "Samples remembered. Larger is steadier and slower. Follows warm_up if that is more.");
    field("budget", &O::budget, "Share of calls that may be hedged, and how many at once after a pause.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  HedgingOptions resolved() const;
};

enum class HedgeRefusal : std::uint8_t { none, attempts_used_up, no_budget };

class Hedging {
 public:
  // `options` must be valid.
  explicit Hedging(const HedgingOptions& options);

  // A call is sent: how long to wait for an answer before asking try_hedge(). Not for one that another policy has
  // refused: that would earn hedges for no load.
  Duration start(unsigned shard = 0) {
    budget_.deposit(shard);
    return delay();
  }
  // The delay is over. attempts: how many were sent, the first included.
  HedgeRefusal try_hedge(unsigned attempts, TimePoint now);
  // One attempt ended. Failures teach nothing.
  void record(const Sample& sample, unsigned shard = 0);

  Duration delay() const { return Duration(delay_.load(std::memory_order_relaxed)); }
  double budget(TimePoint now) const { return budget_.balance(now); }
  std::uint64_t hedges() const { return hedges_.load(std::memory_order_relaxed); }
  const HedgingOptions& options() const { return options_; }

 private:
  const HedgingOptions options_;
  RetryBudget budget_;
  std::atomic<std::int64_t> delay_;  // ns
  std::atomic<std::uint64_t> hedges_{0};
  SampleLanes lanes_;
  Mutex mutex_;
  DecayingQuantile latencies_ QUOLL_GUARDED_BY(mutex_);
  unsigned seen_ QUOLL_GUARDED_BY(mutex_) = 0;
};

// "no_budget".
const char* to_string(HedgeRefusal refusal);

}  // namespace quoll::core

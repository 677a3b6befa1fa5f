// RateLimit: at most `rate` calls a second with bursts up to `burst`, by GCRA.
//
// Why GCRA and not a token bucket with a refill: the whole state is one point in time, so a call is one
// compare-exchange, nothing has to run in the background, and the wait until the next permitted call is known exactly
// (Retry-After is honest). The generic cell rate algorithm is ITU-T I.371 / ATM Forum Traffic Management 4.0; the
// virtual-scheduling form is used:
//
//   interval = period / rate;  tolerance = interval * (burst - cost)
//   admit at `now` if now >= tat - tolerance;  then tat = max(tat, now) + interval * cost
//
// A rate that does not divide the period is kept exactly: what an interval has beyond whole nanoseconds is summed up
// beside the word (2^-64 ns each), and its carries go into it. A cost above the burst can never be admitted, and is
// refused without a promise: Decision::never().
//
// Threads that share one word pay for it: each call takes it from the others' caches. So, from a burst of 128 on, and
// while the limit is far away, calls are counted on a line of the caller's shard and told to the word some at a time.
// Far away means that all that may not have been told yet, of every shard, is a small part of what is left of the
// burst. Nearer to the limit each call collects what the shards hold first. So no more is admitted than by one exact
// word (but for the one call of a thread that lost the CPU in the middle of it); a call that is told late counts as
// made then, which can refuse up to a sixteenth of the burst early.
//
// Thread-safe, lock-free. Time is an argument and may go slightly backwards between threads.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/base/time_math.h"

namespace quoll::core {

struct RateLimitOptions {
  std::uint64_t rate = 100;
  Duration period = std::chrono::seconds(1);
  std::uint64_t burst = 10;

  static void describe(auto&& field) {
    using O = RateLimitOptions;
    field("rate", &O::rate, schema::within(1, 1e9),
          "Calls per period: the long-run limit. What the callee, or the contract, is known to bear.");
    field("period", &O::period, schema::within(std::chrono::milliseconds(1), std::chrono::hours(24)),
          "The time that rate calls are spread over.");
    field("burst", &O::burst, schema::within(1, 1e9),
          "Calls that may come at once after a pause; 1 spaces calls evenly.");
  }

  // Every fault, each naming the option, its value and the allowed range; empty when all is well.
  std::vector<std::string> validate() const;
};

class RateLimit {
 public:
  // `options` must be valid: an invalid one is our own bug.
  explicit RateLimit(const RateLimitOptions& options);

  struct Decision {
    bool admitted;
    // How long until the same call would be admitted (not admitted), or how long the caller has to wait (a
    // reservation). Never negative.
    Duration wait;

    // It will not be admitted however long the caller waits: the cost is above the burst. `wait` is Duration::max().
    bool never() const { return !admitted && wait == Duration::max(); }
  };

  // Admits now or refuses and says when to come back. Nothing is consumed by a refusal. cost: how many calls it counts
  // for; any number, above the burst it is refused for good. shard: the caller's thread, any number.
  Decision try_acquire(TimePoint now, std::uint64_t cost = 1, unsigned shard = 0) {
    const std::int64_t at = now.time_since_epoch().count();
    if (cost == 1 && batch_ > 1 && limit_is_far(at)) {
      std::atomic<std::uint32_t>& untold = shards_[shard % kShards].untold;
      if (untold.fetch_add(1, std::memory_order_relaxed) + 1 >= batch_) {
        tell(at, untold.exchange(0, std::memory_order_relaxed));
      }
      return {true, Duration::zero()};
    }
    return decide(now, Duration::zero(), cost);
  }
  // Takes a place and says how long to wait for it; refuses when that is longer than max_wait, and a cost above the
  // burst for good.
  Decision reserve(TimePoint now, Duration max_wait, std::uint64_t cost = 1);

  // How long until a call would be admitted; zero when one would be now. A look, which consumes nothing.
  Duration wait(TimePoint now) { return std::max(reserve(now, Duration::min()).wait, Duration::zero()); }

  const RateLimitOptions& options() const { return options_; }

 private:
  static constexpr unsigned kShards = 4;
  static constexpr std::uint64_t kLargestBatch = 512;
  struct alignas(64) Shard {
    std::atomic<std::uint32_t> untold{0};  // calls admitted that tat_ does not know of
  };

  // Nanoseconds, and 2^-64ths of one.
  struct Span {
    std::int64_t whole;
    std::uint64_t fraction;
  };

  // Unsigned, so that what has never been used, long ago, may wrap round and take the long way. No call takes the word
  // further ahead of its time than 63 bits hold.
  bool limit_is_far(std::int64_t at) const {
    const auto tat = static_cast<std::uint64_t>(tat_.load(std::memory_order_relaxed));
    return static_cast<std::int64_t>(tat - static_cast<std::uint64_t>(at)) <= far_;
  }
  Span span_of(std::uint64_t calls) const;
  bool advance(std::int64_t& tat, std::int64_t at, Span step);
  Decision decide(TimePoint now, Duration max_wait, std::uint64_t cost);
  void tell(std::int64_t at, std::uint32_t calls);
  std::uint32_t collect();

  const RateLimitOptions options_;
  const Span interval_;        // between calls at the limit
  const std::uint32_t batch_;  // calls that a shard may not have told; 1: each is told
  const std::int64_t far_;     // ns by which a burst may run ahead and the limit still be far away
  // Theoretical arrival time of the next call: ns since the clock's epoch, and the part of one that is beyond.
  alignas(64) std::atomic<std::int64_t> tat_{INT64_MIN};
  std::atomic<std::uint64_t> fraction_{0};
  std::array<Shard, kShards> shards_;
};

}  // namespace quoll::core

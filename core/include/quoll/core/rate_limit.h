// RateLimit: at most `rate` calls a second with bursts up to `burst`, by GCRA.
//
// Why GCRA and not a token bucket with a refill: the whole state is one point in time, so a call is one
// compare-exchange, nothing has to run in the background, and the wait until the next permitted call is known exactly
// (Retry-After is honest). The generic cell rate algorithm is ITU-T I.371 / ATM Forum Traffic Management 4.0; the
// virtual-scheduling form is used:
//
//   interval = period / rate;  tolerance = interval * (burst - 1)
//   admit at `now` if now >= tat - tolerance;  then tat = max(tat, now) + interval * cost
//
// Thread-safe: lock-free, one atomic word. Time is an argument and may go slightly backwards between threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::core {

struct RateLimitOptions {
  // Calls per `period`. Default 100; range 1 to 1e9. Raise it to what the callee is known to bear.
  std::uint64_t rate = 100;
  // Default 1 s; range 1 ms to 24 h. `rate` calls in `period` is the long-run limit.
  Duration period = std::chrono::seconds(1);
  // Calls that may come at once after a pause. Default 10; range 1 to 1e9. 1 spaces calls evenly.
  std::uint64_t burst = 10;

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
    // reservation).
    Duration wait;
  };

  // Admits now or refuses and says when to come back. Nothing is consumed by a refusal. cost >= 1.
  Decision try_acquire(TimePoint now, std::uint64_t cost = 1);
  // Takes a place and says how long to wait for it; refuses when that is longer than max_wait.
  Decision reserve(TimePoint now, Duration max_wait, std::uint64_t cost = 1);

  const RateLimitOptions& options() const { return options_; }

 private:
  Decision take(TimePoint now, Duration max_wait, std::uint64_t cost);

  const RateLimitOptions options_;
  const std::int64_t interval_;   // ns between calls at the limit
  const std::int64_t tolerance_;  // ns by which a burst may run ahead
  // Theoretical arrival time of the next call, ns since the clock's epoch.
  std::atomic<std::int64_t> tat_{std::int64_t{-1} << 62U};
};

}  // namespace quoll::core

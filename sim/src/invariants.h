// The invariants that hold after every event of a run; see run.h. The world keeps books beside the policies, and here
// the two are held against each other.
//
// Thread-compatible.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "quoll/base/time.h"
#include "quoll/core/retry.h"

namespace quoll::sim {

struct Facts {
  std::uint64_t arrived = 0;
  std::uint64_t ended = 0;
  std::uint64_t waiting = 0;
  std::uint64_t ended_twice = 0;
  // Of the concurrency limit; both 0 without one.
  std::uint64_t slots_in_use = 0;
  std::uint64_t slots_held = 0;
  // Of the breaker that the event touched, while it is half open.
  bool half_open = false;
  std::uint64_t trials = 0;
  std::uint64_t trials_by_breaker = 0;
  std::uint64_t trials_allowed = 0;
  // Retries beyond what a budget of that size could have paid; 0 or less when all is well.
  double overspent = 0;
};

// What is broken, in words; nothing when all holds.
std::optional<std::string> broken(const Facts& facts);

// The most retries that a budget with these options can ever pay: a token bucket that starts full, gets what the core's
// gets, and is never charged late. What the core's stripes hold back reaches it later and may then be spent although
// this bucket was full; `slack` is the most that can be.
class BudgetBound {
 public:
  explicit BudgetBound(const core::RetryBudgetOptions& options) : options_(options), tokens_(options.capacity) {}

  void deposit() { tokens_ = std::min(options_.capacity, tokens_ + options_.ratio); }
  void withdraw(TimePoint now) {
    if (last_) {
      tokens_ = std::min(options_.capacity, tokens_ + options_.minimum_per_second * to_seconds(now - *last_));
    }
    last_ = now;
    tokens_ -= 1;
  }
  double overspent() const { return -tokens_ - slack(); }

 private:
  // A stripe holds less than a token and a deposit; runs use one.
  double slack() const { return 1 + options_.ratio; }

  core::RetryBudgetOptions options_;
  double tokens_;
  std::optional<TimePoint> last_;
};

}  // namespace quoll::sim

// ManualClock: time that moves when the test says so. Unit tests pass `clock.now()` wherever core takes `now`.
//
// Thread-compatible.
#pragma once

#include "quoll/base/assert.h"
#include "quoll/base/time.h"

namespace quoll::testing {

class ManualClock {
 public:
  // Starts away from zero, so that "never" (zero) and "now" differ.
  explicit ManualClock(TimePoint start = TimePoint(std::chrono::hours(1))) : now_(start) {}

  TimePoint now() const { return now_; }
  TimePoint advance(Duration by) {
    QUOLL_ASSERT(by >= Duration::zero());
    now_ += by;
    return now_;
  }

 private:
  TimePoint now_;
};

}  // namespace quoll::testing

// Real time in tests, in one place: eventually() and spend(). tests/layers_test.cmake refuses every other sleep.
//
// A test does not sleep. Code that decides takes `now` as an argument; a test of parts that run by themselves waits for
// a condition: eventually(), a read, a thread's end. What remains are claims about time itself (a deadline that passes,
// a stall that lasts, a peer that is slow): those call spend(), and say which time they let pass.
//
// Thread-safe: free functions. spend() may be called by a signal handler.
#pragma once

#include <cerrno>
#include <chrono>
#include <ctime>

#include "quoll/base/time.h"

namespace quoll::testing {

// Lets real time pass.
inline void spend(Duration time) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  timespec rest{whole.count(), std::chrono::duration_cast<std::chrono::nanoseconds>(time - whole).count()};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}

// Waits for what another thread or process does. False when it has not come within `limit`, which is there for a test
// that fails: one that passes must not come near it.
template <typename Holds>
bool eventually(Holds holds, Duration limit = std::chrono::seconds(20)) {
  for (const TimePoint end = steady_now() + limit; steady_now() < end;) {
    if (holds()) return true;
    spend(std::chrono::milliseconds(2));
  }
  return holds();
}

}  // namespace quoll::testing

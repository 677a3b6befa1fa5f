// SteadyEnv: the real clock, the real sleep and the real wait, for code that takes them as one argument (core's
// blocking run()).
//
// Thread-safe: no state.
#pragma once

#include <thread>

#include "quoll/base/time.h"

namespace quoll {

struct SteadyEnv {
  static TimePoint now() { return steady_now(); }
  static void sleep(Duration time) { std::this_thread::sleep_for(time); }
  // Whether the future has its result within the limit. One that is computed when it is asked for (deferred) has it.
  template <typename Future>
  static bool wait(Future& future, Duration limit) {
    if (limit >= std::chrono::hours(24 * 365)) {  // later than any clock can say
      future.wait();
      return true;
    }
    const auto status = future.wait_for(limit);
    return status != decltype(status)::timeout;
  }
};

}  // namespace quoll

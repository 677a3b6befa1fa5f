// SteadyEnv: the real clock and the real sleep, for code that takes both as one argument (core's blocking run()).
//
// Thread-safe: no state.
#pragma once

#include <thread>

#include "quoll/base/time.h"

namespace quoll {

struct SteadyEnv {
  static TimePoint now() { return steady_now(); }
  static void sleep(Duration time) { std::this_thread::sleep_for(time); }
};

}  // namespace quoll

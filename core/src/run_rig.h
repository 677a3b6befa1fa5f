// A pipeline with a clock that calls move on themselves, for the tests of run().
#pragma once

#include <optional>
#include <utility>

#include "quoll/core/blocking.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace run_rig {

using std::chrono::milliseconds;
using testing::ManualClock;

struct ManualEnv {
  TimePoint now() const { return clock->now(); }
  void sleep(Duration time) { clock->advance(time); }
  template <typename Future>
  bool wait(Future& future, Duration) {
    clock->advance(stall);
    return SteadyEnv::wait(future, Duration::zero());
  }
  ManualClock* clock;
  Duration stall{};  // how long this thread does not run after a wait
};

struct Page {
  int status = 200;
  friend bool operator==(const Page&, const Page&) = default;
};

struct Rig {
  ManualClock clock;
  ManualEnv env{&clock};
  Breaker breaker = Breaker::create({.minimum_volume = 1000}, 1).value();
  RetryPolicy retry{{.base = milliseconds(1), .cap = milliseconds(1)}, nullptr, 1};
  Pipeline pipeline{.breaker = &breaker, .fixed_timeout = milliseconds(50)};
  Fallback<Page> sorry;
  Rig() { sorry.add_value("sorry", Page{599}); }

  LifetimeTotals totals() { return breaker.snapshot(clock.now()).totals; }
  // Without a fallback and with what the call returns deduced.
  template <typename... Args>
  auto run(Args&&... args) {
    return core::run(pipeline, {}, std::forward<Args>(args)..., env);
  }
  // Returns `value` after so long.
  template <typename T>
  auto after(Duration time, T value) {
    return [this, time, value] {
      clock.advance(time);
      return value;
    };
  }
};

}  // namespace run_rig
}  // namespace quoll::core

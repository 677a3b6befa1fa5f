// A breaker with a clock of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "quoll/core/breaker.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {

inline constexpr Sample kSuccess{.outcome = Outcome::success, .upstream = std::chrono::milliseconds(10)};
inline constexpr Sample kFailure{.outcome = Outcome::failure, .upstream = std::chrono::milliseconds(20)};
inline constexpr Sample kTimeout{.outcome = Outcome::timeout, .upstream = std::chrono::milliseconds(500)};
inline constexpr Sample kIgnored{.outcome = Outcome::ignored};

struct Rig {
  explicit Rig(const BreakerOptions& options = {}) : breaker(Breaker::create(options, 7).value()) {}

  std::optional<Transition> call(const Sample& sample) {
    Admission admission = breaker.try_acquire(clock.now());
    EXPECT_TRUE(admission.admitted());
    if (!admission) return std::nullopt;
    return breaker.record(std::move(*admission.permit), sample, clock.now());
  }
  std::optional<Transition> calls(int count, const Sample& sample) {
    std::optional<Transition> last;
    for (int i = 0; i < count; ++i) last = call(sample);
    return last;
  }
  // Fails calls until it opens.
  Transition trip() {
    for (int i = 0; i < 1000; ++i) {
      if (auto transition = call(kFailure)) return *transition;
    }
    ADD_FAILURE() << "never opened";
    return {};
  }
  // From open to half_open, with the permit of the trial.
  Permit first_trial() {
    clock.advance(breaker.snapshot(clock.now()).remaining);
    Admission admission = breaker.try_acquire(clock.now());
    EXPECT_TRUE(admission.transition.has_value());
    return std::move(*admission.permit);
  }
  std::optional<Transition> finish_trial(const Sample& sample) {
    Permit trial = first_trial();
    return breaker.record(std::move(trial), sample, clock.now());
  }
  Snapshot snapshot() { return breaker.snapshot(clock.now()); }

  testing::ManualClock clock;
  Breaker breaker;
};

}  // namespace quoll::core

#include "quoll/net/stamp_clock.h"

#include <algorithm>

namespace quoll::net {

ClockReading read_clocks() {
  constexpr Duration kClose = std::chrono::microseconds(20);
  constexpr int kTries = 8;
  ClockReading best{};
  Duration best_gap = Duration::max();
  TimePoint before = steady_now();
  for (int i = 0; i < kTries; ++i) {
    const WallTime wall = wall_now();
    const TimePoint after = steady_now();
    const Duration gap = after - before;
    if (gap < best_gap) {
      best_gap = gap;
      best = ClockReading{before + gap / 2, wall};
    }
    if (gap <= kClose) break;
    before = after;
  }
  return best;
}

void StampClock::observe(const ClockReading& now) {
  const Duration measured = offset(now);
  const Duration change = measured > current_ ? measured - current_ : current_ - measured;
  if (change > kStep) {
    step_ = Step{current_, confirmed_at_, now.steady};
    ++steps_;
  }
  current_ = measured;
  confirmed_at_ = now.steady;
}

Arrival StampClock::convert(WallTime stamp, TimePoint earliest) const {
  const TimePoint now = confirmed_at_;
  const TimePoint at = with_offset(stamp, current_);
  if (!step_) return {std::clamp(at, std::min(earliest, now), now), true};

  // Both clocks are read a few microseconds apart; a stamp may seem to lie that far outside.
  const TimePoint at_before = with_offset(stamp, step_->offset_before);
  const bool after_step = at >= step_->last_confirmed - kStep && at <= now + kStep;
  const bool before_step = at_before <= step_->noticed_at + kStep && at_before >= earliest - kStep;
  if (after_step == before_step) return {now, false};
  return {std::clamp(after_step ? at : at_before, std::min(earliest, now), now), true};
}

}  // namespace quoll::net

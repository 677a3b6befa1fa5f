#include "quoll/net/stamp_clock.h"

#include <algorithm>

namespace quoll::net {
namespace {

TimePoint with_offset(WallTime stamp, Duration offset) {
  return TimePoint(stamp.time_since_epoch() - offset);
}

constexpr Duration kClose = std::chrono::microseconds(20);

}  // namespace

ClockReading read_clocks(Duration known) {
  const WallTime wall = wall_now();
  const ClockReading now{steady_now(), wall};
  const Duration change = offset_of(now) - known;
  return change >= -kClose && change <= kClose ? now : read_clocks();
}

ClockReading read_clocks() {
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
  const Duration measured = offset_of(now);
  const Duration change = measured - offsets_[0].value;
  if (change > kStep || change < -kStep) take_step(measured, now.steady);
  offsets_[0].value = measured;
  confirmed_at_ = now.steady;
  if (known_ > 1) forget(now.steady);
}

void StampClock::take_step(Duration measured, TimePoint now) {
  if (known_ == kOffsets) {
    unknown_until_ = offsets_[--known_].until;
  }
  std::copy_backward(offsets_.begin(), offsets_.begin() + known_, offsets_.begin() + known_ + 1);
  ++known_;
  offsets_[1].until = now;
  offsets_[0] = Offset{measured, confirmed_at_, TimePoint::max()};
  ++steps_;
}

void StampClock::forget(TimePoint now) {
  while (known_ > 1 && offsets_[known_ - 1].until < now - kMemory) --known_;
}

Arrival StampClock::convert(WallTime stamp, TimePoint earliest) const {
  const TimePoint now = confirmed_at_;
  const TimePoint lowest = std::min(earliest, now);
  const TimePoint at = with_offset(stamp, offsets_[0].value);
  // Both clocks are read a few microseconds apart; a stamp may seem to lie that far outside.
  if (known_ == 1) return at <= now + kStep ? Arrival{std::clamp(at, lowest, now), true} : Arrival{now, false};

  const TimePoint oldest = std::max(lowest, now - kMemory);
  if (oldest < unknown_until_) return {now, false};
  TimePoint first = TimePoint::max();
  TimePoint last = TimePoint::min();
  for (std::size_t i = 0; i < known_; ++i) {
    const TimePoint candidate = with_offset(stamp, offsets_[i].value);
    // An answer may come before its `earliest`, the clock having been read after the send; an older offset, which
    // would let any stamp pass as one from before a step back, does not get that benefit.
    const TimePoint from = i == 0 ? offsets_[0].from : std::max(offsets_[i].from, oldest);
    const TimePoint until = i == 0 ? now : offsets_[i].until;
    if (candidate < from - kStep || candidate > until + kStep) continue;
    first = std::min(first, candidate);
    last = std::max(last, candidate);
  }
  if (first > last || last - first > kStep) return {now, false};
  return {std::clamp(last, lowest, now), true};
}

}  // namespace quoll::net

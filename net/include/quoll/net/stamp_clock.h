// StampClock: turns the kernel's arrival stamps, which are CLOCK_REALTIME, into CLOCK_MONOTONIC time points.
//
// A verdict compares an arrival with a deadline, so both must be on one clock that nobody can set. The conversion
// subtracts the offset between the two clocks, measured at the read. If somebody sets the wall clock while a request is
// in flight, that offset is wrong for stamps taken before the step; converting with it would move the arrival by the
// step and turn the verdict over. So the clock remembers the last step: when it was noticed, and the offset before it.
// A stamp is then tried with both offsets, and a candidate counts only if it is consistent: converted with the old
// offset, it must lie before the step was noticed; with the new one, after the old offset was last confirmed. One
// consistent candidate is the answer. None or two means that the stamp can't be trusted, and says so.
//
// The offset changes slowly on its own while NTP slews the clock, by 500 ppm at the most: an error of 0.25 ms for a
// segment that waited 500 ms to be read.
//
// Thread-compatible: one per worker. Reads no clock; the caller passes readings in, so a test can script them.
#pragma once

#include <optional>

#include "quoll/base/time.h"

namespace quoll::net {

// Both clocks at one moment.
struct ClockReading {
  TimePoint steady;
  WallTime wall;
};

// Reads both clocks within 20 us of each other: a thread that loses the CPU between the two reads tries again, else its
// own stall would become an error of the stamps. After 8 tries it takes the closest.
ClockReading read_clocks();

struct Arrival {
  TimePoint at;
  // False: the stamp was missing or contradictory, and `at` is only an upper bound.
  bool exact = false;
};

class StampClock {
 public:
  // A change of the offset by more than this between two readings is a step, not a drift.
  static constexpr Duration kStep = std::chrono::milliseconds(2);

  explicit StampClock(const ClockReading& now) : current_(offset(now)), confirmed_at_(now.steady) {}

  // Takes in a reading; call it at each read from a socket, before `convert`.
  void observe(const ClockReading& now);

  // The steady time of a stamp read at the last observed moment, not before `earliest`, not after that moment.
  Arrival convert(WallTime stamp, TimePoint earliest) const;

  // How many steps have been noticed.
  unsigned steps() const { return steps_; }

 private:
  static Duration offset(const ClockReading& now) {
    return now.wall.time_since_epoch() - now.steady.time_since_epoch();
  }
  TimePoint with_offset(WallTime stamp, Duration offset) const { return TimePoint(stamp.time_since_epoch() - offset); }

  struct Step {
    Duration offset_before;    // what held until the step
    TimePoint last_confirmed;  // the last reading that still showed it
    TimePoint noticed_at;      // the first that showed the new one
  };

  Duration current_;
  TimePoint confirmed_at_;
  std::optional<Step> step_;
  unsigned steps_ = 0;
};

}  // namespace quoll::net

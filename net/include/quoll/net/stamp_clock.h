// StampClock: turns the kernel's arrival stamps, which are CLOCK_REALTIME, into CLOCK_MONOTONIC time points.
//
// A verdict compares an arrival with a deadline, so both must be on one clock that nobody can set. The conversion
// subtracts the offset between the two clocks, measured at the read. If somebody sets the wall clock while a request is
// in flight, that offset is wrong for stamps taken before the step; converting with it would move the arrival by the
// step and turn the verdict over. So the clock remembers the offsets of the last minute, each with the span in which it
// may have held: from the last reading that still showed the one before, to the first that showed the next.
// A stamp is tried with each of them, and a candidate counts only if it lies in the span of its offset. One consistent
// candidate is the answer. None, or several that differ, means that the stamp can't be trusted, and says so.
//
// What it takes for granted: no byte waits for more than a minute to be read after a step, and two steps that cancel
// each other out do not happen between two readings.
//
// The offset changes slowly on its own while NTP slews the clock, by 500 ppm at the most: an error of 0.25 ms for a
// segment that waited 500 ms to be read.
//
// Thread-compatible: one per worker. Reads no clock; the caller passes readings in, so a test can script them.
#pragma once

#include <array>
#include <cstddef>

#include "quoll/base/time.h"

namespace quoll::net {

// Both clocks at one moment.
struct ClockReading {
  TimePoint steady;
  WallTime wall;
};

// Wall minus steady.
inline Duration offset_of(const ClockReading& now) {
  return now.wall.time_since_epoch() - now.steady.time_since_epoch();
}

// Reads both clocks within 20 us of each other: a thread that loses the CPU between the two reads tries again, else its
// own stall would become an error of the stamps. After 8 tries it takes the closest.
ClockReading read_clocks();
// The same at less cost: where one reading of each clock agrees with `known`, the offset (wall minus steady) of an
// earlier reading, within 20 us, nothing came between the two, and no third reading is needed to prove it.
ClockReading read_clocks(Duration known);

struct Arrival {
  TimePoint at;
  // False: the stamp was missing or contradictory, and `at` is only an upper bound.
  bool exact = false;
};

class StampClock {
 public:
  // A change of the offset by more than this between two readings is a step, not a drift.
  static constexpr Duration kStep = std::chrono::milliseconds(2);
  // How long an offset that no longer holds is tried.
  static constexpr Duration kMemory = std::chrono::minutes(1);

  explicit StampClock(const ClockReading& now) : confirmed_at_(now.steady) {
    offsets_[0] = Offset{offset_of(now), TimePoint{}, TimePoint::max()};
  }

  // Takes in a reading; call it at each read from a socket, before `convert`.
  void observe(const ClockReading& now);

  // The steady time of a stamp read at the last observed moment, not before `earliest`, not after that moment.
  Arrival convert(WallTime stamp, TimePoint earliest) const;

  // Wall minus steady, as last observed.
  Duration offset() const { return offsets_[0].value; }
  // How many steps have been noticed.
  unsigned steps() const { return steps_; }

 private:
  struct Offset {
    Duration value{};  // wall minus steady
    TimePoint from;    // may have held since
    TimePoint until;   // may have held until
  };
  static constexpr std::size_t kOffsets = 4;

  void take_step(Duration measured, TimePoint now);
  void forget(TimePoint now);

  std::array<Offset, kOffsets> offsets_;  // the newest first
  std::size_t known_ = 1;
  TimePoint confirmed_at_;
  TimePoint unknown_until_{};  // up to here an offset may have held that had to be dropped for want of room
  unsigned steps_ = 0;
};

}  // namespace quoll::net

// TruthLog: the backend's record of each request, to judge a caller's verdicts by.
//
// All times are CLOCK_MONOTONIC, which every process of the machine reads alike, so they compare directly with what a
// caller on the same machine wrote down. `received` is when the kernel received the request's last byte, converted from
// its arrival stamp, not when this process got round to reading it. An answer's last byte was handed to the kernel
// between `sending` and `answered`: normally some microseconds apart, and when this process lost the CPU in between,
// the two bound the truth.
//
// A record is there from the moment its request was received and is completed when the exchange ends. The log keeps the
// newest `bound` records and counts those it dropped.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "quoll/base/time.h"
#include "quoll/lab/backend/behaviour.h"

namespace quoll::lab::backend {

enum class End : std::uint8_t {
  pending,      // not ended: waiting, hanging or dripping
  answered,     // the whole answer, or all of the garbage, was handed to the kernel
  client_left,  // the client closed or reset its connection first
  reset,        // reset by us: mode reset, or connections cut by mode refuse
  truncated,    // closed by us half-way through the body
  stopped,      // the backend was stopped first
};
std::string_view to_string(End end);

struct TruthRecord {
  std::string id;           // the X-Request-Id field, or "b<number>" when there was none of 1 to 128 plain characters
  TimePoint received = {};  // its last byte reached this machine's kernel
  std::optional<TimePoint> sending = {};   // just before the last byte of the answer was handed to the kernel
  std::optional<TimePoint> answered = {};  // just after
  Duration planned{};                      // the delay decided on; counts from `received`
  unsigned status = 0;                     // what was or will be answered; 0 when no valid answer
  Mode mode = Mode::answer;
  End end = End::pending;
};

class TruthLog {
 public:
  // bound: how many records are kept, at least 1. A record takes about 150 bytes.
  explicit TruthLog(std::size_t bound) : bound_(bound) {}

  // Returns the record's number; numbers go up by one and are never reused.
  std::uint64_t add(TruthRecord record);
  // Null when it was dropped or cleared. Valid until the next add or clear.
  TruthRecord* find(std::uint64_t number);

  // The numbers kept: [first, next).
  std::uint64_t first() const { return first_; }
  std::uint64_t next() const { return first_ + records_.size(); }
  // Forgets all records (not counted as dropped); returns how many there were.
  std::size_t clear();
  std::uint64_t dropped() const { return dropped_; }

  // Appends {"seq":..,"id":..,"received_ns":..,"sending_ns":..,"answered_ns":..,"planned_ms":..,"status":..,"mode":..,
  // "end":..} and a newline; null for times that do not exist.
  void append_json(std::uint64_t number, std::string& out) const;

 private:
  std::size_t bound_;
  std::uint64_t first_ = 0;
  std::uint64_t dropped_ = 0;
  std::deque<TruthRecord> records_;
};

}  // namespace quoll::lab::backend

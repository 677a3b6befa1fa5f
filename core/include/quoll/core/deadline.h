// Deadline: until when an answer is of use, and how that is told to the next one.
//
// Why: a caller that gave up after 500 ms does not want an answer after 600, nor should anyone behind it work on one.
// What travels is the time *left*, not a time of day: clocks differ between machines, durations hardly do. The text is
// gRPC's `grpc-timeout` (at most eight digits and a unit: "250m" is 250 ms), for want of one in HTTP itself.
//
// Thread-safe: a plain value and pure functions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/base/time_math.h"

namespace quoll::core {

class Deadline {
 public:
  // Without a limit.
  Deadline() = default;
  explicit Deadline(TimePoint at) : at_(at) {}
  static Deadline in(Duration left, TimePoint now) {
    // Far enough is without a limit; it also keeps the sum in range.
    return left >= std::chrono::hours(24 * 365) ? Deadline() : Deadline(after(now, left));
  }

  bool unlimited() const { return at_ == TimePoint::max(); }
  TimePoint at() const { return at_; }
  bool passed(TimePoint now) const { return now >= at_; }
  // Never negative; Duration::max() without a limit.
  Duration remaining(TimePoint now) const {
    if (unlimited()) return Duration::max();
    return std::max(between(now, at_), Duration::zero());
  }
  // The earlier of two: a callee's own limit never extends its caller's.
  Deadline earlier(Deadline other) const { return Deadline(std::min(at_, other.at_)); }
  // What to tell the next one: what is left less `reserve`, the time its answer needs on the way back.
  Duration to_propagate(TimePoint now, Duration reserve) const {
    if (unlimited()) return Duration::max();
    const Duration left = remaining(now);
    return reserve >= left ? Duration::zero() : left - std::max(reserve, Duration::zero());
  }

  friend bool operator==(const Deadline&, const Deadline&) = default;

 private:
  TimePoint at_ = TimePoint::max();
};

// "250m", "5S", "1500u": digits and H, M, S, m, u or n. Rounded down to the unit: never more than there is.
std::string format_grpc_timeout(Duration left);
// Errors name the text and what is expected.
Result<Duration> parse_grpc_timeout(std::string_view text);

}  // namespace quoll::core

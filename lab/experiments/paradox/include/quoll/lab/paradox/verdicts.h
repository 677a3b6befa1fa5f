// Verdicts against ground truth: what a caller said of each call, what really happened to it, and whether it was right.
//
// What counts. The deadline runs from when the call left the caller. The backend's kernel stamps the call's last byte
// when it arrives, which on one machine is in the very same send(): so `received + deadline` is the deadline, and what
// a caller adds by looking at its clock a little earlier or later is within the *guard band*. An answer is in time when
// the backend had handed it to the kernel (`answered`, the upper bound) before the deadline less the band; it is late
// when handing over began (`sending`, the lower bound) after the deadline plus the band, or never. Between them nobody
// can say: those calls are "too close to call" and counted by themselves.
//
//   false timeout   the caller said timeout; the answer was in time. Or it said so before the deadline, or of a call
//                   that it had never sent.
//   missed timeout  the caller passed the answer on as good; it was late.
//   false opening   the breaker opened, and without the false timeouts in its window there would not have been enough
//                   failures to open it; never one during a real outage, which it could only have anticipated.
//
// Thread-safe: plain values and free functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/lab/harness/request_log.h"
#include "quoll/lab/harness/spread.h"

namespace quoll::lab::paradox {

// Default guard band. Two clock reads and a send are microseconds apart; 2 ms also covers a context switch between
// them.
inline constexpr Duration kGuardBand = std::chrono::milliseconds(2);

// A line of the backend's /truth.
struct Truth {
  TimePoint received{};
  std::optional<TimePoint> sending = {};
  std::optional<TimePoint> answered = {};
  unsigned status = 0;
};
using Truths = std::multimap<std::string, Truth, std::less<>>;
// Errors: "json", with the line.
Result<Truths> parse_truth(std::string_view ndjson);

enum class Said : std::uint8_t {
  good,      // the answer was passed on
  timeout,   // 504
  rejected,  // 503 of the caller's own: the breaker was open
  failed,    // the upstream's 5xx, or 502
  lost,      // no answer from the caller
};
enum class Fact : std::uint8_t {
  in_time,    // answered before the deadline
  late,       // answered after it, or not at all
  close,      // within the guard band
  never_sent  // did not reach the backend
};

struct Call {
  TimePoint sent{};  // by the client
  TimePoint done{};
  Said said = Said::lost;
  Fact fact = Fact::never_sent;
  std::optional<TimePoint> received = {};  // by the backend
  bool backend_failed = false;             // its own status was 5xx
  bool false_timeout = false;
  bool early = false;  // the timeout came before the deadline
  bool missed = false;
  Duration missed_by{};  // handed over so long after the deadline, if missed
};
// Calls that were never sent by the client are left out. The result is in the order of `done`.
std::vector<Call> join(const std::vector<harness::LoggedCall>& log, const Truths& truths, Duration deadline,
                       Duration band);

struct Span {
  TimePoint from{};
  TimePoint to{};
};

struct Transition {
  TimePoint at{};
  std::string to = {};  // closed, open, half_open
  bool false_open = false;
};
// Marks the false openings. `threshold` is the breaker's, as a share.
void judge_openings(std::vector<Transition>& transitions, const std::vector<Call>& calls, Duration window,
                    double threshold, const std::optional<Span>& outage);

struct Summary {
  std::uint64_t calls = 0;
  std::uint64_t good = 0;
  std::uint64_t timeouts = 0;  // that the caller said, right and wrong
  std::uint64_t rejected = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;
  std::uint64_t in_time = 0;  // by ground truth
  std::uint64_t late = 0;
  std::uint64_t close = 0;
  std::uint64_t false_timeouts = 0;
  std::uint64_t early_timeouts = 0;  // of the false ones
  std::uint64_t never_sent = 0;      // of the false ones
  std::uint64_t missed = 0;
  Duration missed_by{};              // the latest of them, past its deadline
  std::uint64_t false_failures = 0;  // an answer in time and good, called a failure for another reason
  // From the client's side: done - (sent + deadline), for timeouts that were right.
  harness::Spread lateness = {};
  // The same from when the call reached the backend: without the way into the caller.
  harness::Spread lateness_of_caller = {};
  harness::Spread latency = {};  // of all calls that were answered
  double goodput = 0;            // good answers a second
  Duration length{};
  std::uint64_t opens = 0;
  std::uint64_t false_opens = 0;
  std::uint64_t closes = 0;
  // From the outage's start to the first opening in it, and from its end to the first closing after it.
  std::optional<Duration> time_to_open = {};
  std::optional<Duration> time_to_close = {};

  // Of the calls that the backend answered in time or that were called late though they were not.
  double false_share() const;
};
Summary summarise(const std::vector<Call>& calls, const std::vector<Transition>& transitions, Duration deadline,
                  const std::optional<Span>& outage);

}  // namespace quoll::lab::paradox

// judge(): whether an answer was in time, by when it arrived and not by when we looked.
//
// Every other caller asks, when its timer runs, "have I seen an answer?". A process that is short of CPU then blames
// the callee for its own sleep. judge() asks "had an answer arrived at this machine by the deadline?", which our own
// stall cannot change. The rules, first match wins (at = arrived_at, or judged_at where an answer has no time):
//
//   answer, at <= deadline                                     success or failure; rescued if deadline < judged_at
//   answer later, our receive window was shut                  inconclusive: the peer was not allowed to send
//   answer later, not stamped, at - local_stall <= deadline    inconclusive: it may have come while we slept
//   answer later                                               timeout
//   no answer, judged_at < deadline                            inconclusive: not to be decided yet
//   no answer, our receive window was shut                     inconclusive
//   no answer, judged_at >= deadline                           timeout
//
// An inconclusive verdict before the deadline means "ask again"; after it, record Outcome::ignored. The caller that
// asks has looked into the socket first: `answer == none` says "the socket was empty (or held less than an answer)".
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "quoll/base/time.h"
#include "quoll/core/outcome.h"

namespace quoll::core {

enum class Answer : std::uint8_t {
  none,  // nothing, or not enough of it, was found in the socket at judged_at; arrived_at is then not looked at
  good,
  bad,  // 5xx, protocol error, reset
};

struct Attempt {
  // The last byte of the request was handed to the kernel.
  TimePoint sent_at{};
  // An answer that arrives at this instant is still in time.
  TimePoint deadline{};
  // When the answer arrived: the kernel's stamp if `stamped`, else when we read it, which is an upper bound.
  std::optional<TimePoint> arrived_at = {};
  // A clock read fresh, after the socket was looked into.
  TimePoint judged_at{};
  // How long we are known to have been stalled up to the read, for answers without a stamp.
  Duration local_stall{};
  Answer answer = Answer::none;
  bool stamped = false;
  // The receive buffer was full because we did not read, so the peer could not send.
  bool window_closed_by_us = false;
};

enum class Verdict : std::uint8_t { success, failure, timeout, inconclusive };

struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  // In time, and only seen after the deadline: a timer would have called it a timeout.
  bool rescued = false;
  // Sent to arrived; sent to deadline for a timeout without an answer. Zero when inconclusive. Never negative.
  Duration upstream{};
  // Arrived to judged (deadline to judged for a timeout without an answer): our own delay. Never negative.
  Duration local{};

  friend bool operator==(const Judgement&, const Judgement&) = default;
};

Judgement judge(const Attempt& attempt);

// The conventional verdict, kept as the control of experiments (`--verdict timer`): whatever is known when the timer
// gets to run. Its `upstream` is sent to judged, polluted by our own delay, as it is everywhere else.
Judgement judge_by_timer(const Attempt& attempt);

// The sample a policy is given: inconclusive becomes Outcome::ignored.
Sample to_sample(const Judgement& judgement);

// A word for a metric or a log line: "inconclusive".
const char* to_string(Verdict verdict);

}  // namespace quoll::core

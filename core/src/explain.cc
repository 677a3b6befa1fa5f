// Words for people. The longer texts say what happened first, then how much, then against which limit.
#include <cstdio>

#include "quoll/core/breaker_types.h"

namespace quoll::core {

namespace {

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

// Without a needless ".0": "50 %", "12.5 %".
std::string limit(double share) {
  std::string text = percent(share);
  const std::size_t zero = text.find(".0 ");
  if (zero != std::string::npos) text.erase(zero, 2);
  return "limit " + text;
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string window_words(const Evidence& evidence) {
  if (evidence.window_kind == WindowKind::count)
    return " of the last " + std::to_string(evidence.window_calls) + " calls";
  return " in the last " + format_duration(evidence.window);
}

std::string share_of_calls(std::uint32_t part, const Evidence& evidence, const char* what, double rate, double at) {
  return std::to_string(part) + " of " + counted(evidence.counts.calls, "call", "calls") + " " + what + " (" +
         percent(rate) + ", " + limit(at) + ")" + window_words(evidence);
}

// What was not held against the upstream, and our own part in it.
std::string excuses(const WindowCounts& counts, Duration stall) {
  std::string text;
  if (counts.rescued > 0) {
    text += "; " + counted(counts.rescued, "answer was", "answers were") + " rescued from our own stall";
    if (stall > Duration::zero()) text += " of " + humanize(stall);
  } else if (stall > Duration::zero()) {
    text += "; our own longest stall was " + humanize(stall);
  }
  if (counts.ignored > 0) text += "; " + counted(counts.ignored, "sample was", "samples were") + " excluded";
  return text;
}

std::string cause(const Transition& transition) {
  const Evidence& evidence = transition.evidence;
  const WindowCounts& counts = evidence.counts;
  switch (transition.reason) {
    case Reason::failure_rate:
      return share_of_calls(counts.failed_calls, evidence, "failed", counts.failure_rate(),
                            evidence.failure_rate_threshold);
    case Reason::slow_call_rate:
      return share_of_calls(counts.slow, evidence, ("took over " + humanize(evidence.slow_call_threshold)).c_str(),
                            counts.slow_rate(), evidence.slow_call_rate_threshold);
    case Reason::consecutive_failures:
      return counted(evidence.consecutive, "call", "calls") + " failed in a row (limit " +
             std::to_string(evidence.consecutive_limit) + ")";
    case Reason::trial_failed:
      return "a trial call failed";
    case Reason::trial_slow:
      return "a trial call took over " + humanize(evidence.slow_call_threshold);
    case Reason::half_open_expired:
      return "the trials were not decided in time";
    case Reason::reset_timeout:
      return "the time open is over; trial calls are let through";
    case Reason::trials_succeeded:
      return counted(evidence.trials_succeeded, "trial call", "trial calls") + " succeeded";
    case Reason::by_hand:
      return "by hand";
  }
  return "unknown";
}

const char* verb(State to) {
  switch (to) {
    case State::closed:
      return "closed";
    case State::open:
      return "opened";
    case State::half_open:
      return "half-opened";
    case State::forced_open:
      return "forced open";
    case State::disabled:
      return "disabled";
    case State::metrics_only:
      return "set to metrics only";
  }
  return "unknown";
}

}  // namespace

const char* to_string(State state) {
  switch (state) {
    case State::closed:
      return "closed";
    case State::open:
      return "open";
    case State::half_open:
      return "half_open";
    case State::forced_open:
      return "forced_open";
    case State::disabled:
      return "disabled";
    case State::metrics_only:
      return "metrics_only";
  }
  return "unknown";
}

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::failure_rate:
      return "failure_rate";
    case Reason::slow_call_rate:
      return "slow_call_rate";
    case Reason::consecutive_failures:
      return "consecutive_failures";
    case Reason::trial_failed:
      return "trial_failed";
    case Reason::trial_slow:
      return "trial_slow";
    case Reason::half_open_expired:
      return "half_open_expired";
    case Reason::reset_timeout:
      return "reset_timeout";
    case Reason::trials_succeeded:
      return "trials_succeeded";
    case Reason::by_hand:
      return "by_hand";
  }
  return "unknown";
}

const char* to_string(RejectionReason reason) {
  switch (reason) {
    case RejectionReason::open:
      return "open";
    case RejectionReason::half_open_full:
      return "half_open_full";
    case RejectionReason::ramp:
      return "ramp";
    case RejectionReason::forced_open:
      return "forced_open";
  }
  return "unknown";
}

double gauge(State state) {
  switch (state) {
    case State::open:
    case State::forced_open:
      return 1;
    case State::half_open:
      return 0.5;
    case State::closed:
    case State::disabled:
    case State::metrics_only:
      return 0;
  }
  return 0;
}

std::string explain(const Transition& transition) {
  std::string text = std::string(verb(transition.to)) + ": " + cause(transition);
  const Evidence& evidence = transition.evidence;
  if (transition.to == State::open) {
    text += excuses(evidence.counts, evidence.longest_local_stall);
    text += "; open for " + humanize(evidence.open_for);
  }
  return text;
}

std::string explain(const Snapshot& snapshot) {
  const WindowCounts& counts = snapshot.counts;
  std::string text = to_string(snapshot.state);
  if (snapshot.state == State::open) text += ", next trial in " + humanize(snapshot.remaining);
  if (snapshot.state == State::half_open) {
    text += ", " + std::to_string(snapshot.trials_succeeded) + " of " +
            counted(snapshot.options.half_open_successes, "trial call", "trial calls") + " succeeded, " +
            std::to_string(snapshot.trials_in_flight) + " under way";
  }
  if (snapshot.admitted_share > 0 && snapshot.admitted_share < 1) {
    text += ", admitting " + percent(snapshot.admitted_share) + " of calls";
  }
  Evidence evidence;
  evidence.counts = counts;
  evidence.window_kind = snapshot.options.window_kind;
  evidence.window = snapshot.options.window;
  evidence.window_calls = snapshot.options.window_calls;
  text += ": " + share_of_calls(counts.failed_calls, evidence, "failed", counts.failure_rate(),
                                snapshot.options.failure_rate_threshold);
  if (counts.rejected > 0) text += "; " + std::to_string(counts.rejected) + " rejected";
  return text + excuses(counts, snapshot.longest_local_stall);
}

}  // namespace quoll::core

#include "quoll/core/judge.h"

#include <algorithm>

#include "quoll/base/time_math.h"

namespace quoll::core {

namespace {

// A stamp may lie before the send (an early answer, a clamped clock step) or, by rounding, after the look.
Duration span(TimePoint from, TimePoint to) {
  return std::max(between(from, to), Duration::zero());
}

Judgement timed_out(const Attempt& attempt, TimePoint known_until) {
  return {.verdict = Verdict::timeout,
          .upstream = span(attempt.sent_at, known_until),
          .local = span(known_until, attempt.judged_at)};
}

Verdict verdict_of(Answer answer) {
  return answer == Answer::good ? Verdict::success : Verdict::failure;
}

}  // namespace

Judgement judge(const Attempt& attempt) {
  const bool answered = attempt.answer != Answer::none;
  const TimePoint at = answered ? attempt.arrived_at.value_or(attempt.judged_at) : attempt.judged_at;
  if (answered && at <= attempt.deadline) {
    return {.verdict = verdict_of(attempt.answer),
            .rescued = attempt.deadline < attempt.judged_at,
            .upstream = span(attempt.sent_at, at),
            .local = span(at, attempt.judged_at)};
  }
  if (!answered && attempt.judged_at < attempt.deadline) return {};
  if (attempt.window_closed_by_us) return {};
  if (!answered) return timed_out(attempt, attempt.deadline);
  // A read time is an upper bound: the answer may have come as early as the stall began.
  const bool stamped = attempt.stamped && attempt.arrived_at.has_value();
  if (!stamped && between(attempt.deadline, at) <= std::max(attempt.local_stall, Duration::zero())) return {};
  return timed_out(attempt, at);
}

Judgement judge_by_timer(const Attempt& attempt) {
  const bool answered = attempt.answer != Answer::none;
  const Duration waited = span(attempt.sent_at, attempt.judged_at);
  if (attempt.judged_at > attempt.deadline || (!answered && attempt.judged_at == attempt.deadline)) {
    return {.verdict = Verdict::timeout, .upstream = waited};
  }
  if (!answered) return {};
  return {.verdict = verdict_of(attempt.answer), .upstream = waited};
}

Sample to_sample(const Judgement& judgement) {
  Outcome outcome = Outcome::ignored;
  switch (judgement.verdict) {
    case Verdict::success:
      outcome = Outcome::success;
      break;
    case Verdict::failure:
      outcome = Outcome::failure;
      break;
    case Verdict::timeout:
      outcome = Outcome::timeout;
      break;
    case Verdict::inconclusive:
      break;
  }
  return {outcome, judgement.upstream, judgement.local, judgement.rescued};
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::success:
      return "success";
    case Verdict::failure:
      return "failure";
    case Verdict::timeout:
      return "timeout";
    case Verdict::inconclusive:
      return "inconclusive";
  }
  return "unknown";
}

}  // namespace quoll::core

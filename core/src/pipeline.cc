#include "quoll/core/pipeline.h"

#include <algorithm>

#include "quoll/base/assert.h"

namespace quoll::core {

const char* to_string(RefusedBy who) {
  switch (who) {
    case RefusedBy::nobody:
      return "nobody";
    case RefusedBy::deadline:
      return "deadline";
    case RefusedBy::rate_limit:
      return "rate_limit";
    case RefusedBy::concurrency_limit:
      return "concurrency_limit";
    case RefusedBy::breaker:
      return "breaker";
    case RefusedBy::throttle:
      return "throttle";
  }
  return "unknown";
}

std::string explain(const CallError& error) {
  std::string text = error.refused_by == RefusedBy::nobody
                         ? std::string("ended in ") + to_string(error.outcome)
                         : std::string("refused by the ") + to_string(error.refused_by);
  text += " after " + std::to_string(error.attempts) + (error.attempts == 1 ? " attempt" : " attempts");
  if (error.retry_after > Duration::zero()) text += "; retry after " + humanize(error.retry_after);
  return text;
}

std::string Pipeline::describe() const {
  std::string text;
  const auto line = [&text](const std::string& policy) { text += policy + "\n"; };
  const auto number = [](double value) {
    std::string digits = std::to_string(value);
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
    return digits;
  };
  if (retry != nullptr) {
    const RetryOptions& of = retry->options();
    std::string budget = "no budget";
    if (retry->budget() != nullptr) budget = "budget " + number(retry->budget()->options().ratio * 100) + " %";
    line("retry: " + std::to_string(of.max_attempts) + " attempts, back-off " + format_duration(of.base) + ".." +
         format_duration(of.cap) + ", " + budget);
  }
  if (rate_limit != nullptr) {
    const RateLimitOptions& of = rate_limit->options();
    line("rate_limit: " + std::to_string(of.rate) + " in " + format_duration(of.period) + ", burst " +
         std::to_string(of.burst));
  }
  if (concurrency != nullptr) {
    line(std::string("concurrency_limit: ") + to_string(concurrency->options().algorithm) + ", now " +
         std::to_string(concurrency->limit()));
  }
  if (breaker != nullptr) {
    const BreakerOptions& of = breaker->options();
    line("breaker: " + breaker->name() + ", " + number(of.failure_rate_threshold * 100) + " % of " +
         std::to_string(of.minimum_volume) + " or more in " + format_duration(of.window) + ", " +
         to_string(breaker->state()));
  }
  if (throttle != nullptr) line("throttle: k " + number(throttle->options().k));
  if (timeout != nullptr) {
    const AdaptiveTimeoutOptions& of = timeout->options();
    line("timeout: adaptive, p" + number(of.quantile * 100) + " * " + number(of.factor) + " + " +
         format_duration(of.margin) + ", " + format_duration(of.floor) + ".." + format_duration(of.ceiling) + ", now " +
         humanize(timeout->timeout()));
  } else if (fixed_timeout > Duration::zero()) {
    line("timeout: " + format_duration(fixed_timeout));
  }
  return text;
}

Step PipelineCall::refuse(RefusedBy who, Duration retry_after) {
  slot_.reset();
  permit_.reset();
  error_.refused_by = who;
  error_.retry_after = retry_after;
  return {.next = Next::done};
}

void PipelineCall::note(const std::optional<Transition>& transition) {
  if (!transition) return;
  transition_ = transition;
  if (pipeline_->timeout == nullptr) return;
  if (transition->to == State::open) pipeline_->timeout->pause(AdaptiveTimeout::Pause::breaker_open);
  if (transition->to == State::closed) pipeline_->timeout->resume(AdaptiveTimeout::Pause::breaker_open);
}

Step PipelineCall::start(TimePoint now) {
  QUOLL_ASSERT(!slot_ && !permit_);
  const Pipeline& with = *pipeline_;
  if (info_.deadline.passed(now)) return refuse(RefusedBy::deadline, {});
  if (error_.attempts == 0 && with.retry != nullptr && with.retry->budget() != nullptr) {
    with.retry->budget()->deposit(with.shard);
  }
  if (with.rate_limit != nullptr) {
    const RateLimit::Decision decision = with.rate_limit->try_acquire(now, 1, with.shard);
    if (!decision.admitted) return refuse(RefusedBy::rate_limit, decision.wait);
  }
  if (with.concurrency != nullptr) {
    slot_ = with.concurrency->try_acquire(with.shard);
    if (!slot_) return refuse(RefusedBy::concurrency_limit, {});
  }
  if (with.breaker != nullptr) {
    Admission admission = with.breaker->try_acquire(now, with.shard);
    note(admission.transition);
    if (!admission) return refuse(RefusedBy::breaker, admission.rejection.retry_after);
    permit_.emplace(std::move(*admission.permit));
  }
  if (with.throttle != nullptr && !with.throttle->try_acquire(now, with.shard)) return refuse(RefusedBy::throttle, {});

  ++error_.attempts;
  const Duration left = info_.deadline.remaining(now);
  Duration limit = with.fixed_timeout > Duration::zero() ? with.fixed_timeout : Duration::max();
  if (with.timeout != nullptr) limit = trial() ? with.timeout->trial_timeout() : with.timeout->timeout();
  return {.next = Next::send, .timeout = std::min(limit, left)};
}

void PipelineCall::record(const Sample& sample, TimePoint now) {
  const Pipeline& with = *pipeline_;
  if (with.timeout != nullptr) {
    if (trial()) {
      with.timeout->record_trial(sample);
    } else {
      with.timeout->record(sample, now, with.shard);
    }
  }
  if (with.throttle != nullptr) with.throttle->record(sample, with.shard);
  if (permit_) note(with.breaker->record(std::move(*permit_), sample, now));
  permit_.reset();
  if (slot_) with.concurrency->record(std::move(*slot_), sample, now);
  slot_.reset();
}

Step PipelineCall::finish(const Sample& sample, TimePoint now, const AttemptInfo& info) {
  QUOLL_ASSERT(error_.attempts >= 1);
  record(sample, now);
  error_.outcome = sample.outcome;
  succeeded_ = sample.outcome == Outcome::success;
  // A caller that went away does not want another attempt.
  if (succeeded_ || sample.outcome == Outcome::cancelled || pipeline_->retry == nullptr) return {.next = Next::done};
  FailedAttempt failed{.attempts = error_.attempts,
                       .idempotent = info_.idempotent,
                       .never_sent = info.never_sent,
                       .retry_after = info.retry_after};
  if (!info_.deadline.unlimited()) failed.remaining = info_.deadline.remaining(now);
  const RetryDecision decision = pipeline_->retry->decide(failed, now);
  if (decision) return {.next = Next::wait, .wait = decision.wait};
  not_retried_ = decision.refusal;
  return {.next = Next::done};
}

}  // namespace quoll::core

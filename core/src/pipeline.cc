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
  if (!error.message.empty()) text += ": " + error.message;
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

Step PipelineCall::refuse(RefusedBy who, Duration retry_after, TimePoint now) {
  slot_.reset();
  permit_.reset();
  refused_by_ = who;
  retry_after_ = retry_after;
  RetryPolicy* retry = pipeline_->retry;
  if (attempts_ > 0 && retry != nullptr && retry->budget() != nullptr) retry->budget()->refund();
  if (pipeline_->observer != nullptr) pipeline_->observer->on_rejection({.at = now, .error = error()});
  return {.next = Next::done};
}

// The look at the state comes last, so that of two calls that saw different states the later one is right.
void PipelineCall::follow_breaker() {
  const State state = pipeline_->breaker->state();
  const bool closed = state == State::closed || state == State::disabled || state == State::metrics_only;
  pipeline_->timeout->follow(pipeline_->breaker, closed);
}

// True if the breaker changed its state.
bool PipelineCall::heed(const std::optional<Transition>& transition) {
  if (!transition) return false;
  transition_ = transition;
  keep_learning_in_step(transition->to == State::closed);
  return true;
}

Step PipelineCall::start(TimePoint now) {
  QUOLL_ASSERT(!slot_ && !permit_);
  const Pipeline& with = *pipeline_;
  if (info_.deadline.passed(now)) return refuse(RefusedBy::deadline, {}, now);
  if (with.rate_limit != nullptr) {
    const RateLimit::Decision decision = with.rate_limit->try_acquire(now, 1, with.shard);
    if (!decision.admitted) return refuse(RefusedBy::rate_limit, decision.wait, now);
  }
  if (with.concurrency != nullptr) {
    slot_ = with.concurrency->try_acquire(with.shard);
    if (!slot_) return refuse(RefusedBy::concurrency_limit, {}, now);
  }
  if (with.breaker != nullptr) {
    Admission admission = with.breaker->try_acquire(now, with.shard);
    if (heed(admission.transition) && with.observer != nullptr) with.observer->on_transition(*transition_);
    if (!admission) {
      keep_learning_in_step(admission.rejection.reason == RejectionReason::ramp);
      return refuse(RefusedBy::breaker, admission.rejection.retry_after, now);
    }
    permit_.emplace(std::move(*admission.permit));
    keep_learning_in_step(!permit_->trial());
  }
  if (with.throttle != nullptr && !with.throttle->try_acquire(now, with.shard)) {
    return refuse(RefusedBy::throttle, {}, now);
  }

  // Only what is sent earns retries: a call that is refused is no load that they could be a share of.
  if (attempts_ == 0 && with.retry != nullptr && with.retry->budget() != nullptr) {
    with.retry->budget()->deposit(with.shard);
  }
  ++attempts_;
  const Duration left = info_.deadline.remaining(now);
  Duration limit = with.fixed_timeout > Duration::zero() ? with.fixed_timeout : Duration::max();
  if (with.timeout != nullptr) limit = trial() ? with.timeout->trial_timeout() : with.timeout->timeout();
  return {.next = Next::send, .timeout = std::min(limit, left)};
}

// True if the breaker changed its state.
bool PipelineCall::record(const Sample& sample, TimePoint now) {
  const Pipeline& with = *pipeline_;
  if (with.timeout != nullptr) {
    if (trial()) {
      with.timeout->record_trial(sample);
    } else {
      with.timeout->record(sample, now, with.shard);
    }
  }
  if (with.throttle != nullptr) with.throttle->record(sample, with.shard);
  const bool moved = permit_ && heed(with.breaker->record(std::move(*permit_), sample, now));
  permit_.reset();
  if (slot_) with.concurrency->record(std::move(*slot_), sample, now);
  slot_.reset();
  return moved;
}

// For how long the policies that know would refuse another attempt. Places and chance are not known beforehand: if one
// of those refuses a retry, its token is given back.
Duration PipelineCall::refused_for(TimePoint now) const {
  Duration longest{};
  if (pipeline_->rate_limit != nullptr) longest = pipeline_->rate_limit->wait(now);
  if (pipeline_->breaker != nullptr) longest = std::max(longest, pipeline_->breaker->refuses_for(now));
  return longest;
}

void PipelineCall::tell_end(const Sample& sample, TimePoint now, bool trial, bool late) {
  Observer& observer = *pipeline_->observer;
  const AttemptEvent event{.at = now, .attempt = attempts_, .sample = sample, .trial = trial, .late = late};
  switch (sample.outcome) {
    case Outcome::success:
      return observer.on_success(event);
    case Outcome::failure:
      return observer.on_failure(event);
    case Outcome::timeout:
      return observer.on_timeout(event);
    case Outcome::cancelled:
      return observer.on_cancelled(event);
    case Outcome::ignored:
      return observer.on_ignored(event);
  }
}

Step PipelineCall::finish(const Sample& sample, TimePoint now, const AttemptInfo& info) {
  QUOLL_ASSERT(attempts_ >= 1);
  const bool was_trial = trial();
  const bool moved = record(sample, now);
  outcome_ = sample.outcome;
  succeeded_ = sample.outcome == Outcome::success;
  if (pipeline_->observer != nullptr) {
    tell_end(sample, now, was_trial, info.late);
    if (moved) pipeline_->observer->on_transition(*transition_);
  }
  const bool failed = sample.outcome == Outcome::failure || sample.outcome == Outcome::timeout;
  if (!failed || info.late || info.last || was_trial) return {.next = Next::done};
  retry_after_ = info.retry_after.value_or(Duration::zero());
  if (pipeline_->retry == nullptr) return {.next = Next::done};
  FailedAttempt attempt{.attempts = attempts_,
                        .idempotent = info_.idempotent,
                        .never_sent = info.never_sent,
                        .retry_after = info.retry_after,
                        .refused_for = refused_for(now)};
  if (!info_.deadline.unlimited()) attempt.remaining = info_.deadline.remaining(now);
  const RetryDecision decision = pipeline_->retry->decide(attempt, now);
  if (decision) {
    if (pipeline_->observer != nullptr) {
      pipeline_->observer->on_retry({.at = now, .attempts = attempts_, .wait = decision.wait});
    }
    return {.next = Next::wait, .wait = decision.wait};
  }
  not_retried_ = decision.refusal;
  if (decision.refusal == RetryRefusal::would_be_refused && attempt.refused_for != Duration::max()) {
    retry_after_ = std::max(retry_after_, attempt.refused_for);
  }
  return {.next = Next::done};
}

}  // namespace quoll::core

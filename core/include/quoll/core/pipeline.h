// Pipeline: several policies around one call, in one order, which is:
//
//   deadline > retry ( rate limit > concurrency limit > breaker > throttle > timeout > the call ) > fallback
//
// Why this order: an expired call is not worth a question. Retry is around everything, so that each attempt is asked
// for and counted like any other; a *refusal* is not retried, since the policy that refuses has just said that more
// calls do not help. For the same reason an attempt that the breaker or the rate limit would refuse is not waited for:
// they are looked at before the back-off begins, and no token is spent. Cheap refusals come first. The breaker comes
// after them, for its permits in half_open are few, and one that is then dropped is wasted. The throttle counts what it
// lets through as sent, so nothing may refuse after it. The timeout is asked last, as it depends on whether the permit
// is a trial. Outcomes are recorded in reverse order.
//
// A PipelineCall is a state machine without threads, timers or sockets: it says what to do next, and is told what
// became of it. So the same one serves blocking code (blocking.h), futures and coroutines:
//
//   PipelineCall call(pipeline, {.deadline = deadline});
//   Step step = call.start(now);
//   while (step.next != Next::done) {
//     if (step.next == Next::send) step = call.finish(send_and_judge(step.timeout), now);
//     else { wait(step.wait); step = call.start(now); }
//   }
//   if (call.succeeded()) ... else fallback.answer(call.error());
//
// Dropping a PipelineCall at any moment (a cancelled coroutine, an exception) gives back every permit and slot.
// The timeout learns while the breaker is closed: each call compares it with the breaker's state as it finds it, so
// that it does not matter which pipeline, or whose hand, moved the breaker.
//
// What becomes of an attempt, by its outcome:
//
//   success              done
//   failure, timeout     tried again if the retry policy says so; else done, failed. A trial of a half-open breaker is
//                        one call by intention, and not tried again
//   cancelled, ignored   done: the caller is gone, or the callee is not to blame; another attempt would cure neither
//
// Thread-compatible: a Pipeline belongs to one worker, as its RetryPolicy does; the policies behind it are shared and
// must outlive it, and it its calls. Nothing is allocated for a call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "quoll/base/time.h"
#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/breaker.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/deadline.h"
#include "quoll/core/fallback.h"
#include "quoll/core/observer.h"
#include "quoll/core/rate_limit.h"
#include "quoll/core/retry.h"
#include "quoll/core/throttle.h"

namespace quoll::core {

// What is null is not used.
struct Pipeline {
  RetryPolicy* retry = nullptr;
  RateLimit* rate_limit = nullptr;
  ConcurrencyLimit* concurrency = nullptr;
  Breaker* breaker = nullptr;
  Throttle* throttle = nullptr;
  AdaptiveTimeout* timeout = nullptr;
  // Of one attempt, without an adaptive one. Default 0: none but the deadline.
  Duration fixed_timeout{};
  // The worker's number.
  unsigned shard = 0;
  // Is told what happens (observer.h).
  Observer* observer = nullptr;

  // One line for each policy in force, outermost first, with its main options.
  std::string describe() const;
};

struct CallInfo {
  Deadline deadline = {};
  // May be repeated without harm; see FailedAttempt.
  bool idempotent = true;
};

enum class Next : std::uint8_t { send, wait, done };

struct Step {
  Next next = Next::done;
  // send: how long this attempt may take; Duration::max() without a limit.
  Duration timeout{};
  // wait: how long until start().
  Duration wait{};
};

// What is known of a failed attempt beside its sample.
struct AttemptInfo {
  std::optional<Duration> retry_after = {};
  bool never_sent = false;
  // There is an answer all the same, which came too late to count as a success: its caller will use it, and the call is
  // not tried again.
  bool late = false;
  // The caller cannot make another one, whatever the policies say.
  bool last = false;
};

class [[nodiscard]] PipelineCall {
 public:
  PipelineCall(const Pipeline& pipeline, const CallInfo& info) : pipeline_(&pipeline), info_(info) {}
  PipelineCall(PipelineCall&&) noexcept = default;
  PipelineCall& operator=(PipelineCall&&) noexcept = default;

  // Asks for an attempt: send, or done (refused).
  Step start(TimePoint now);
  // What became of the attempt: done, or wait (and start again).
  Step finish(const Sample& sample, TimePoint now, const AttemptInfo& info = {});

  // Once done.
  bool succeeded() const { return succeeded_; }
  CallError error() const {
    return {.refused_by = refused_by_, .outcome = outcome_, .attempts = attempts_, .retry_after = retry_after_};
  }
  // Why it was not tried again; none if it was a success, a refusal, or there is no retry policy.
  std::optional<RetryRefusal> not_retried() const { return not_retried_; }
  // This attempt is a trial of a half-open breaker.
  bool trial() const { return permit_ && permit_->trial(); }
  const Pipeline& pipeline() const { return *pipeline_; }
  // The breaker changed its state in the last step; take it after each. Given once.
  std::optional<Transition> take_transition() { return std::exchange(transition_, std::nullopt); }

 private:
  Step refuse(RefusedBy who, Duration retry_after, TimePoint now);
  bool heed(const std::optional<Transition>& transition);
  void keep_learning_in_step(bool closed) {
    const AdaptiveTimeout* timeout = pipeline_->timeout;
    if (timeout != nullptr && !timeout->in_step(pipeline_->breaker, closed)) follow_breaker();
  }
  void follow_breaker();
  bool record(const Sample& sample, TimePoint now);
  Duration refused_for(TimePoint now) const;
  void tell_end(const Sample& sample, TimePoint now, bool trial, bool late);

  const Pipeline* pipeline_;
  CallInfo info_;
  std::optional<Slot> slot_;
  std::optional<Permit> permit_;
  // Of a CallError, which has a text that only a failed call needs.
  RefusedBy refused_by_ = RefusedBy::nobody;
  Outcome outcome_ = Outcome::ignored;
  unsigned attempts_ = 0;
  Duration retry_after_{};
  std::optional<RetryRefusal> not_retried_;
  std::optional<Transition> transition_;
  bool succeeded_ = false;
};

}  // namespace quoll::core

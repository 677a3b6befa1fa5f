// Observer: what a pipeline's calls do, event by event, for metrics, logs and traces.
//
//   struct Log : Observer {
//     void on_retry(const RetryEvent& event) override { log("again in", event.wait); }
//     void on_transition(const Transition& transition) override { log(explain(transition)); }
//   };
//   Log observer;
//   const Pipeline pipeline{.breaker = &breaker, .observer = &observer};
//
// The engine (PipelineCall) tells them, so that every driver has them: run(), co_run(), and your own. Each is told
// once, on the caller's thread, after the policies have been told and while no lock is held. Without an observer an
// event costs the test of one pointer. A call that is dropped in the middle (a destroyed coroutine) tells nothing more.
//
// What an observer throws leaves the step that told it, and ends the call there: better not to throw.
//
// Thread rule: as many calls at a time as there are threads with a pipeline that names it.
#pragma once

#include <string>

#include "quoll/base/time.h"
#include "quoll/core/breaker_types.h"
#include "quoll/core/fallback.h"
#include "quoll/core/outcome.h"

namespace quoll::core {

// One attempt ended.
struct AttemptEvent {
  TimePoint at{};
  // 1 for the first of its call.
  unsigned attempt = 1;
  const Sample& sample;
  // It was a trial of a half-open breaker.
  bool trial = false;
  // There is an answer, and it came after the limit (see AttemptInfo).
  bool late = false;
};

// A policy, or the deadline, did not let an attempt through. The call is over.
struct RejectionEvent {
  TimePoint at{};
  // By whom, after how many attempts, and when to come back.
  const CallError& error;
};

// The attempt failed and another will follow.
struct RetryEvent {
  TimePoint at{};
  // How many were made.
  unsigned attempts = 1;
  Duration wait{};
};

class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = default;
  Observer& operator=(const Observer&) = default;
  virtual ~Observer() = default;

  // An attempt ended; one of these, by its outcome.
  virtual void on_success(const AttemptEvent& event) { (void)event; }
  virtual void on_failure(const AttemptEvent& event) { (void)event; }
  virtual void on_timeout(const AttemptEvent& event) { (void)event; }
  virtual void on_cancelled(const AttemptEvent& event) { (void)event; }
  virtual void on_ignored(const AttemptEvent& event) { (void)event; }

  virtual void on_rejection(const RejectionEvent& event) { (void)event; }
  virtual void on_retry(const RetryEvent& event) { (void)event; }
  // The breaker changed its state in one of this pipeline's calls. What hands and polls cause, their caller is given.
  virtual void on_transition(const Transition& transition) { (void)transition; }
  // run() and co_run() answer from this source of the fallback.
  virtual void on_fallback(const std::string& source, const CallError& error) { (void)source, (void)error; }
};

}  // namespace quoll::core

#include "policy_stack.h"

#include "call_limit.h"
#include "call_observer.h"
#include "call_trace.h"
#include "client_answer.h"
#include "forwarded.h"
#include "max_forwards.h"
#include "quoll/http/write.h"
#include "quoll/net/pause.h"
#include "repeat.h"
#include "upstream_call.h"

namespace quoll::proxy {
namespace {

core::AdmissionDecision ask_admission(Session& s, TimePoint now) {
  const Exchange& x = s.exchange;
  return s.shared().admission.decide(x.request, s.route.options.policies.priority,
                                     client_address(x.request, s.peer, s.options().trusted_hops), x.arrived_at, now,
                                     s.worker.shard);
}

Trouble came_too_late() {
  return {FallbackReason::timeout, http::ProxyError::http_response_timeout, "the client's deadline had passed"};
}

// What a client is told of a call that the policies did not let through.
Trouble refusal_of(const core::CallError& error) {
  switch (error.refused_by) {
    case core::RefusedBy::deadline:
      return came_too_late();
    case core::RefusedBy::breaker:
      return {FallbackReason::open, http::ProxyError::destination_unavailable, "circuit open", error.retry_after};
    default:
      return {FallbackReason::limit, http::ProxyError::connection_limit_reached, "too many calls under way",
              std::chrono::seconds(1)};
  }
}

// For a call that was not made.
net::Task<bool> refuse(Session& s, const Trouble& trouble) {
  http::BodyReader body(s.exchange.request.framing, s.exchange.request.content_length, s.options().limits);
  co_return co_await reply_trouble(s, body, trouble);
}

Trouble answered_with_error(const Exchange& x) {
  return {FallbackReason::error,
          http::ProxyError::http_request_error,
          "the upstream answered with an error",
          {},
          x.response.status};
}

// The client has gone: the attempt says nothing of the upstream. False, as serve() ends then.
bool cancel(core::PipelineCall& call, TimePoint now) {
  static_cast<void>(call.finish({.outcome = core::Outcome::cancelled}, now, {.last = true}));
  return false;
}

// For a call that no answer came of, or none that the client should see: the fallback or an error.
net::Task<bool> reply_instead(Session& s, UpstreamCall& attempt, bool answered) {
  co_await attempt.upload().finish();
  const Trouble trouble = answered ? answered_with_error(s.exchange) : attempt.trouble();
  co_return co_await reply_trouble(s, attempt.upload().body(), trouble);
}

net::Task<bool> part_from_client(Session& s, Upload& upload) {
  co_await upload.finish();
  if (upload.bad_body()) co_return co_await refuse_and_close(s, 400, "the body is malformed");
  if (upload.client_slow()) co_return co_await refuse_and_close(s, 408, "the body did not come in time");
  co_return false;
}

}  // namespace

net::Task<bool> serve(Session& s) {
  Exchange& x = s.exchange;
  const Shared& shared = s.shared();

  // How long the request lay in our socket before we read it: the true queueing delay, which is our own doing.
  shared.metrics.queue_delay.observe(x.read_at - x.arrived_at, s.worker.shard);

  // A proxy forwards requests for resources; a tunnel is not one.
  if (x.request.form == http::TargetForm::authority) {
    co_return co_await refuse_and_close(s, 405, "CONNECT is not supported", kAllow);
  }

  // A request that asks how far it gets may get no farther.
  const MaxForwards forwards(x.request);
  if (forwards.malformed()) co_return co_await refuse_and_close(s, 400, "Max-Forwards is not one number");
  if (forwards.used_up()) {
    const PageAnswer own = answer_as_recipient(x.request);
    co_return co_await reply_page(s, own);
  }

  // Quoll's own pages come first: they must answer when nothing else does. They are made on the admin's thread, so that
  // a scrape costs the data plane nothing.
  if (const std::string_view page_path = shared.pages.page_of(x.request.path); !page_path.empty()) {
    const PageAnswer page = co_await shared.pages.make(x.request.method, page_path);
    co_return co_await reply_page(s, page);
  }

  // Admission: more than we can serve in time is refused here, where it costs the least, by how long it has waited.
  TimePoint now = s.now();
  const core::AdmissionDecision admission = ask_admission(s, now);
  if (!admission) co_return co_await reply_shed(s, admission.reason);

  // Until when the client wants the answer. Work on one that comes too late helps nobody.
  const core::Deadline deadline = client_deadline(x);
  if (!deadline.unlimited() && deadline.passed(now)) co_return co_await refuse(s, came_too_late());

  // The engine: every attempt asks the limit and the breaker anew, and each policy is told what became of it.
  CallTrace trace(x.request, s.options().trace, s.worker.trace_ids);
  CallObserver observer(s.gate(), trace);
  const core::Pipeline pipeline = s.gate().pipeline(observer);
  core::PipelineCall call(pipeline, {.deadline = deadline, .idempotent = idempotent(x.request.method)});
  for (core::Step step = call.start(now);; step = call.start(now)) {
    if (step.next == core::Next::done) co_return co_await refuse(s, refusal_of(call.error()));

    // The call, its timeout and its verdict.
    UpstreamCall attempt(s, {step.timeout, deadline}, trace);
    const UpstreamCall::End end = co_await attempt.run();
    if (end == UpstreamCall::End::client_gone) {
      cancel(call, s.now());
      co_return co_await part_from_client(s, attempt.upload());
    }

    // An answer that is an error counts against the upstream. One that is none lasts until its body has ended.
    const bool answered = end == UpstreamCall::End::answered;
    const bool failed = attempt.judgement().verdict == core::Verdict::failure || !answered;
    now = s.now();
    if (failed) step = call.finish(attempt.sample(), now, attempt_info(s, attempt, answered));
    const bool again = failed && step.next == core::Next::wait;
    if (failed && !again) s.gate().count_end(call);

    // The answer. With the fallback on, the client gets the fallback instead of an error, unless it asked for a write.
    if (answered && !again && !(failed && falls_back(s.route.options, x.request.method))) {
      core::PipelineCall* const undecided = failed ? nullptr : &call;
      co_return co_await pass_on(s, attempt, undecided);
    }

    // No answer that the client gets: its body, if it is here whole, is dropped and the connection kept.
    if (answered) keep_if_whole(s, attempt);
    if (!again) co_return co_await reply_instead(s, attempt, answered);

    // Again, after a pause: an outage must not be multiplied.
    co_await net::pause(s.worker.worker.loop(), now + step.wait);
    if (s.watch.gone()) co_return false;
    now = s.now();
  }
}

}  // namespace quoll::proxy

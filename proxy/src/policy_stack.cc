#include "policy_stack.h"

#include "call_limit.h"
#include "client_answer.h"
#include "pages.h"
#include "quoll/http/write.h"
#include "retry_gate.h"
#include "upstream_call.h"

namespace quoll::proxy {
namespace {

core::AdmissionDecision ask_admission(Session& s, TimePoint now) {
  const Exchange& x = s.exchange;
  return s.shared().admission.decide(x.request, s.route.circuit.policies().options().priority, s.peer, x.arrived_at,
                                     now, s.worker.shard);
}

Trouble came_too_late() {
  return {FallbackReason::timeout, http::ProxyError::http_response_timeout, "the client's deadline had passed"};
}

// The right to make one call, or why there is none.
struct Permission {
  std::optional<Call> call;
  Trouble refused;
};

Permission ask_permission(Session& s, TimePoint now) {
  // The concurrency limit: a call more than the upstream bears would only make all of them slow.
  std::optional<CallPolicies::Place> place = s.route.circuit.policies().try_enter(s.worker.shard);
  if (!place) {
    return {{},
            {FallbackReason::limit, http::ProxyError::connection_limit_reached, "too many calls under way",
             std::chrono::seconds(1)}};
  }

  // The breaker: refused at once when the upstream has shown that it cannot answer.
  Circuit::Admitted admitted = s.route.circuit.admit(std::move(*place), now, s.worker.shard);
  return {std::move(admitted.call),
          {FallbackReason::open, http::ProxyError::destination_unavailable, "circuit open",
           admitted.rejection.retry_after}};
}

// For a call that was not made.
net::Task<bool> refuse(Session& s, const Trouble& trouble) {
  http::BodyReader body(s.exchange.request.framing, s.exchange.request.content_length, s.options().limits);
  co_return co_await reply_trouble(s, body, trouble);
}

// Whether the attempt failed; if it did, its call is over. One that did not lasts until its body has ended.
bool judge_attempt(Session& s, const UpstreamCall& attempt, bool answered, unsigned attempts, Call& call,
                   TimePoint now) {
  const bool failed = attempt.judgement().verdict == core::Verdict::failure || !answered;
  if (failed) call.finish(attempt.sample(), now);
  if (attempts > 1) s.route.circuit.policies().count_retry(!failed, s.worker.shard);
  return failed;
}

Trouble answered_with_error(const Exchange& x) {
  return {FallbackReason::error,
          http::ProxyError::http_request_error,
          "the upstream answered with an error",
          {},
          x.response.status};
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
    co_return co_await refuse_and_close(s, 405, "CONNECT is not supported");
  }

  // Quoll's own pages come first: they must answer when nothing else does. They are made on the admin's thread, so that
  // a scrape costs the data plane nothing.
  if (const std::string_view page_path = client_page(shared.options, x.request.path); !page_path.empty()) {
    const PageAnswer page = co_await make_page(shared, x.request.method, page_path);
    co_return co_await reply_page(s, page);
  }

  // Admission: more than we can serve in time is refused here, where it costs the least, by how long it has waited.
  TimePoint now = steady_now();
  const core::AdmissionDecision admission = ask_admission(s, now);
  if (!admission) co_return co_await reply_shed(s, admission.reason);

  // Until when the client wants the answer. Work on one that comes too late helps nobody.
  const core::Deadline deadline = client_deadline(x);
  if (!deadline.unlimited() && deadline.passed(now)) co_return co_await refuse(s, came_too_late());

  s.route.circuit.policies().earn_retries(s.worker.shard);
  for (unsigned attempts = 1;; ++attempts) {
    // Every attempt asks the limit and the breaker anew, and each of both is told what became of it.
    Permission permission = ask_permission(s, now);
    if (!permission.call) co_return co_await refuse(s, permission.refused);
    Call call = std::move(*permission.call);

    // The client holds its body back until somebody wants it.
    if (x.request.expect_continue) {
      const bool told = co_await send(s, http::kContinue);
      if (!told) co_return false;
      x.request.expect_continue = false;  // met
    }

    // The call, its timeout and its verdict. When the client leaves, `call` is dropped: cancelled.
    const bool trial = call.trial();
    UpstreamCall attempt(s, {s.route.circuit.policies().timeout(trial), deadline});
    const UpstreamCall::End end = co_await attempt.run();
    if (end == UpstreamCall::End::client_gone) co_return co_await part_from_client(s, attempt.upload());

    // An answer that is an error counts against the upstream.
    const bool answered = end == UpstreamCall::End::answered;
    now = steady_now();
    const bool failed = judge_attempt(s, attempt, answered, attempts, call, now);

    // Again? Only what may be repeated, while the budget lasts: an outage must not be multiplied.
    std::optional<Duration> pause;
    if (failed) pause = pause_before_retry(s, attempt, answered, trial, attempts, deadline, now);

    // The answer. With the fallback on, the client gets the fallback instead of an error, unless it asked for a write.
    if (answered && !pause && !(failed && falls_back(s.route.options, x.request.method))) {
      Call* const undecided = failed ? nullptr : &call;
      co_return co_await pass_on(s, attempt, undecided);
    }

    // No answer that the client gets: its body, if it is here whole, is dropped and the connection kept.
    if (answered) keep_if_whole(s, attempt);
    if (!pause) co_return co_await reply_instead(s, attempt, answered);
    co_await rest(s, *pause);
    now = steady_now();
  }
}

}  // namespace quoll::proxy

// How an attempt ends (upstream_call.h): judged, or as a failure, a timeout, or a lack of ours.
#include "quoll/net/local_error.h"
#include "upstream_call.h"

namespace quoll::proxy {

using http::ProxyError;

UpstreamCall::End UpstreamCall::answered(const net::ReadResult& last) {
  const RouteOptions& options = session_.route.options;
  const bool early = upload_.sent_at() == net::kNever;  // an answer before the request's end is in time
  core::Attempt attempt;
  attempt.sent_at = early ? last.arrived_at : upload_.sent_at();
  attempt.deadline = limit_.after(attempt.sent_at);
  // One that did not want the body took its time from the head's end.
  if (upload_.held()) attempt.sent_at = std::min(upload_.head_sent_at(), last.arrived_at);
  attempt.arrived_at = last.arrived_at;
  attempt.judged_at = last.read_at;
  // The deadline's wake-up looks into the socket at once: what is read later than the deadline was read late by us.
  attempt.local_stall = std::max(Duration::zero(), last.read_at - attempt.deadline);
  attempt.answer = session_.exchange.response.status >= 500 ? core::Answer::bad : core::Answer::good;
  attempt.stamped = last.stamped;
  judgement_ = options.verdict == VerdictKind::arrival ? core::judge(attempt) : core::judge_by_timer(attempt);

  WorkerState& w = session_.worker;
  w.shared.metrics.local_delay.observe(judgement_.local, w.shard);
  if (judgement_.verdict == core::Verdict::timeout) {
    cut_short_ = limit_.by_client(attempt.sent_at);
    trouble_ = {FallbackReason::timeout,
                ProxyError::http_response_timeout,
                "the upstream's answer came too late",
                {},
                session_.exchange.response.status};
    return End::no_answer;
  }
  session_.durations().client.observe(session_.exchange.request.method, session_.exchange.response.status,
                                      judgement_.upstream, w.shard);
  return End::answered;
}

UpstreamCall::End UpstreamCall::fail(ProxyError error, std::string_view details, TimePoint now) {
  const Duration took = upload_.sent_at() == net::kNever ? Duration::zero() : now - upload_.sent_at();
  judgement_ = {core::Verdict::failure, false, std::max(took, Duration::zero()), {}};
  trouble_ = {FallbackReason::error, error, details};
  return End::no_answer;
}

// The end of a connection that owed an answer. An upstream that was tired of waiting for the client's body is well.
UpstreamCall::End UpstreamCall::broken_off(ProxyError error, std::string_view details, const net::ReadResult& got) {
  if (const net::LocalLack lack = net::local_lack(got.error); lack != net::LocalLack::nothing) return fail_ours(lack);
  if (upload_.blame_client(got.read_at)) return End::client_gone;
  return fail(error, details, got.read_at);
}

UpstreamCall::End UpstreamCall::fail_ours(net::LocalLack lack) {
  ours_ = true;
  WorkerState& w = session_.worker;
  w.shared.metrics.local_failures(lack).add(1, w.shard);
  w.shared.log.warn("local_failure", {{"circuit", session_.route.circuit.name()}, {"reason", net::to_string(lack)}},
                    trace_.context());
  judgement_ = {};
  trouble_ = {FallbackReason::error, ProxyError::proxy_internal_error, net::to_string(lack), std::chrono::seconds(1)};
  return End::no_answer;
}

UpstreamCall::End UpstreamCall::time_out(ProxyError error, std::string_view details, TimePoint now) {
  const TimePoint sent_at = upload_.sent_at();
  cut_short_ = limit_.by_client(sent_at);
  const Duration waited = sent_at == net::kNever ? limit_.timeout : limit_.after(sent_at) - sent_at;
  const Duration late = sent_at == net::kNever ? Duration::zero() : now - sent_at - waited;
  judgement_ = {core::Verdict::timeout, false, std::max(Duration::zero(), waited), std::max(Duration::zero(), late)};
  trouble_ = {FallbackReason::timeout, error, details};
  return End::no_answer;
}

core::Sample UpstreamCall::sample() const {
  core::Sample sample = core::to_sample(judgement_);
  if (cut_short_ && sample.outcome == core::Outcome::timeout) sample.outcome = core::Outcome::cancelled;
  if (ours_) sample.outcome = core::Outcome::ignored;
  return sample;
}

}  // namespace quoll::proxy

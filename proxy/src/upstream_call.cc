#include "upstream_call.h"

#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

using http::ProxyError;

// Far more than the kernel's stamps may be off by once they are converted.
constexpr Duration kClockError = std::chrono::milliseconds(1);
// 100 Continue, 103 Early Hints: more is no way to answer.
constexpr int kMostInterim = 32;

}  // namespace

bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" ||
         method == "TRACE";
}

net::Task<UpstreamCall::End> UpstreamCall::run() {
  for (;;) {
    if (!take_kept_connection()) {
      const bool connected = co_await connect();
      if (!connected) co_return End::no_answer;
    }
    compose_head();
    bool sent = upload_.send_bodyless(*socket_);
    if (!sent) sent = co_await upload_.start(*socket_);
    if (upload_.bad_body()) co_return End::client_gone;
    if (sent) {
      if (kept_) socket_->set_earliest_arrival(taken_at_ - 2 * kClockError);  // so that stale() can see it
      const End end = co_await await_head();
      if (end != End::no_answer || !resend_allowed()) co_return end;
    } else if (!resend_allowed()) {
      co_return fail(ProxyError::connection_terminated, "the upstream closed the connection while it was sent to",
                     steady_now());
    }
    // A kept connection that the peer had closed between two requests is nobody's failure: once more, on a new one.
    session_.shared().metrics.upstream_resent.add(1, session_.worker.shard);
  }
}

// The second time, a kept connection is not tried again.
bool UpstreamCall::take_kept_connection() {
  const bool again = kept_;
  kept_ = false;
  socket_.reset();
  if (again) return false;
  taken_at_ = steady_now();
  // What cannot be sent twice, such as any body, must not meet a connection that the peer has closed.
  const http::RequestHead& request = session_.exchange.request;
  const bool repeatable = idempotent(request.method) && request.framing == http::Framing::none;
  socket_ = session_.pool().take(taken_at_, !repeatable);
  kept_ = socket_ != nullptr;
  return kept_;
}

net::Task<bool> UpstreamCall::connect() {
  WorkerState& w = session_.worker;
  const RouteOptions& options = session_.route.options;
  const auto policy =
      options.verdict == VerdictKind::timer ? net::DeadlinePolicy::timer_wins : net::DeadlinePolicy::look_first;
  net::ConnectResult made =
      co_await net::connect(w.worker.loop(), session_.pool().endpoint(), limit_.after(steady_now()), policy);
  w.shared.metrics.upstream_connects.add(1, w.shard);
  const TimePoint now = steady_now();
  if (made.status == net::IoStatus::deadline) {
    time_out(ProxyError::connection_timeout, "the upstream did not take the connection in time", now);
  } else if (made.status == net::IoStatus::error) {
    const bool refused = made.error == ECONNREFUSED;
    fail(refused ? ProxyError::connection_refused : ProxyError::destination_unavailable,
         refused ? "the upstream refused the connection" : "the upstream cannot be reached", now);
  }
  socket_ = std::move(made.socket);
  co_return socket_ != nullptr;
}

void UpstreamCall::compose_head() {
  Exchange& x = session_.exchange;
  const http::RequestHead& head = x.request;
  x.out.clear();
  http::append_request_line(x.out, head.method, head.path);
  // An absolute target's authority overrides Host (RFC 9112 section 3.2.2); head.host is the one that holds.
  const bool named = !head.host.empty();
  http::append_field(x.out, "Host", named ? head.host : std::string_view(session_.route.circuit.upstream()));
  const http::EndToEnd passes(head.fields, head.connection_names_fields);
  for (const http::Field& field : head.fields) {
    if (http::iequals(field.name, "host") || http::iequals(field.name, "expect")) continue;
    if (is_deadline_field(field.name)) continue;  // ours follows
    if (!passes(field.name)) continue;
    x.out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  if (head.framing == http::Framing::chunked) http::append_framing(x.out, http::Framing::chunked);
  if (!limit_.clients.unlimited() || session_.route.circuit.policies().options().propagate_deadline) {
    append_deadline(x.out, limit_, steady_now());
  }
  http::append_field(x.out, "X-Forwarded-For", session_.peer);
  x.out += head.minor_version == 0 ? "Via: 1.0 quoll\r\n" : "Via: 1.1 quoll\r\n";
  http::append_head_end(x.out);
}

net::Task<UpstreamCall::End> UpstreamCall::await_head() {
  Exchange& x = session_.exchange;
  const http::Limits& limits = session_.options().limits;
  http::HeadScan scan;
  x.up.clear();
  bool wait_first = true;  // the request has only just left
  int interim = 0;
  for (;;) {
    if (!x.up.make_room(Exchange::kFirst, limits.head_bytes + 1)) {
      co_return fail(ProxyError::http_response_header_section_size, "the upstream's head is too large", steady_now());
    }
    const TimePoint deadline = limit_.after(upload_.sent_at());
    const net::ReadResult got = co_await socket_->read(x.up.writable(), deadline, wait_first);
    wait_first = false;
    if (upload_.client_gone() || upload_.bad_body()) co_return End::client_gone;
    if (got.status == net::IoStatus::deadline) {
      co_return time_out(ProxyError::http_response_timeout, "the upstream did not answer in time", got.read_at);
    }
    if (got.status == net::IoStatus::eof) {
      co_return fail(got_bytes_ ? ProxyError::http_response_incomplete : ProxyError::connection_terminated,
                     "the upstream closed the connection before its answer", got.read_at);
    }
    if (got.status != net::IoStatus::ok) {
      co_return fail(ProxyError::connection_terminated, "the upstream reset the connection", got.read_at);
    }
    if (stale(got)) {
      co_return fail(ProxyError::http_protocol_error, "the upstream had sent bytes that nobody asked for", got.read_at);
    }
    got_bytes_ = true;
    x.up.commit(got.bytes);
    for (;;) {
      const http::ParseResult parsed = http::parse_response(x.up.view(), limits, x.request.method, scan, x.response);
      if (parsed.bad()) co_return fail(ProxyError::http_protocol_error, parsed.message, got.read_at);
      if (!parsed.complete()) break;
      x.up.consume(parsed.consumed);
      if (x.response.status == 101) {
        co_return fail(ProxyError::http_upgrade_failed, "the upstream switched protocols unasked", got.read_at);
      }
      if (!x.response.interim()) co_return answered(got);
      if (++interim > kMostInterim) {
        co_return fail(ProxyError::http_protocol_error, "there are too many interim answers", got.read_at);
      }
      scan = {};
    }
  }
}

UpstreamCall::End UpstreamCall::answered(const net::ReadResult& last) {
  const RouteOptions& options = session_.route.options;
  const bool early = upload_.sent_at() == net::kNever;  // an answer before the request's end is in time
  core::Attempt attempt;
  attempt.sent_at = early ? last.arrived_at : upload_.sent_at();
  attempt.deadline = limit_.after(attempt.sent_at);
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
  return sample;
}

// Only for a kept connection that ended before a byte of an answer, and a request that is the same a second time.
bool UpstreamCall::resend_allowed() const {
  return kept_ && !got_bytes_ && upload_.replayable() && judgement_.verdict != core::Verdict::timeout &&
         idempotent(session_.exchange.request.method);
}

// Bytes that lay in a kept connection before it was taken, such as the 408 of a peer that was tired of waiting, are
// nobody's answer. The pool looks for them only in connections that have rested for a while.
bool UpstreamCall::stale(const net::ReadResult& first) const {
  return kept_ && !got_bytes_ && upload_.replayable() && first.stamped && first.arrived_at < taken_at_ - kClockError;
}

void UpstreamCall::keep_connection() {
  session_.pool().give_back(std::move(socket_), steady_now());
}

}  // namespace quoll::proxy

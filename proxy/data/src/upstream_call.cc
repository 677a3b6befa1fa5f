#include "upstream_call.h"

#include "max_forwards.h"
#include "quoll/http/write.h"
#include "repeat.h"

namespace quoll::proxy {
namespace {

using http::ProxyError;

// How far an arrival may lie off, by two clocks that are not read at once and by their drift while the bytes waited to
// be read (stamp_clock.h).
Duration stamp_error(const net::ReadResult& read) {
  return std::chrono::microseconds(50) + (read.read_at - read.arrived_at) / 1000;
}
// Stamps before the request must stay recognisable as such; what is further back is a clock that was set.
constexpr Duration kStampsBeforeRequest = std::chrono::milliseconds(2);
// 100 Continue, 103 Early Hints: more is no way to answer.
constexpr int kMostInterim = 32;

}  // namespace

net::Task<UpstreamCall::End> UpstreamCall::run() {
  for (;;) {
    if (!take_kept_connection()) {
      const bool connected = co_await connect();
      if (session_.watch.gone()) co_return End::client_gone;
      if (!connected) co_return End::no_answer;
    }
    session_.watch.guard(&upstream());
    compose_head();
    bool sent = upload_.send_bodyless(upstream());
    if (!sent) sent = co_await upload_.start(upstream());
    if (upload_.bad_body()) co_return End::client_gone;
    if (sent) {
      upstream().set_earliest_arrival(upload_.began_at() - kStampsBeforeRequest);
      const End end = co_await await_head();
      if (end != End::no_answer || !resend_allowed()) co_return end;
    } else if (!resend_allowed()) {
      const net::LocalLack lack = net::local_lack(upload_.send_error());
      if (lack != net::LocalLack::nothing) co_return fail_ours(lack);
      co_return fail(ProxyError::connection_terminated, "the upstream closed the connection while it was sent to",
                     session_.now());
    }
    // A kept connection that the peer had closed between two requests is nobody's failure: once more, on a new one.
    session_.shared().metrics.upstream_resent.add(1, session_.worker.shard);
  }
}

// The second time, a kept connection is not tried again.
bool UpstreamCall::take_kept_connection() {
  const bool again = kept_;
  kept_ = got_bytes_ = spoilt_ = false;
  session_.watch.guard(nullptr);
  connection_.reset();
  if (again) return false;
  connection_ = session_.pool().take(session_.now());
  kept_ = connection_ != nullptr;
  return kept_;
}

net::Task<bool> UpstreamCall::connect() {
  WorkerState& w = session_.worker;
  const RouteOptions& options = session_.route.options;
  const auto policy =
      options.verdict == VerdictKind::timer ? net::DeadlinePolicy::timer_wins : net::DeadlinePolicy::look_first;
  net::Connector::Result made =
      co_await w.connector.connect(session_.pool().endpoint(), limit_.after(session_.now()), policy);
  if (const net::LocalLack lack = net::local_lack(made.error); lack != net::LocalLack::nothing) {
    fail_ours(lack);
    co_return false;
  }
  w.shared.metrics.upstream_connects.add(1, w.shard);
  const TimePoint now = session_.now();
  if (made.status == net::IoStatus::deadline) {
    time_out(ProxyError::connection_timeout, "the upstream did not take the connection in time", now);
  } else if (made.status == net::IoStatus::error) {
    const bool refused = made.error == ECONNREFUSED;
    fail(refused ? ProxyError::connection_refused : ProxyError::destination_unavailable,
         refused ? "the upstream refused the connection" : "the upstream cannot be reached", now);
  }
  if (made.stream == nullptr) co_return false;
  connection_ = std::make_unique<UpstreamConnection>(std::move(made.stream));
  co_return true;
}

void UpstreamCall::compose_head() {
  Exchange& x = session_.exchange;
  const http::RequestHead& head = x.request;
  x.out.clear();
  http::append_request_line(x.out, head.method, head.path);
  // An absolute target's authority overrides Host (RFC 9112 section 3.2.2); head.host is the one that holds.
  const bool named = !head.host.empty();
  http::append_field(x.out, "Host", named ? head.host : std::string_view(session_.route.circuit.upstream()));
  trace_.append_to(x.out);
  const http::EndToEnd passes(head.fields, head.connection_names_fields);
  const std::optional<std::uint32_t> max_forwards = MaxForwards(head).next();
  for (const http::Field& field : head.fields) {
    if (http::iequals(field.name, "host") || http::iequals(field.name, "expect")) continue;
    if (is_deadline_field(field.name)) continue;  // ours follows
    if (!passes(field.name) || !trace_.passes(field.name)) continue;
    if (max_forwards && http::iequals(field.name, "max-forwards")) {
      http::append_field(x.out, field.name, *max_forwards);
      continue;
    }
    x.out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  if (head.framing == http::Framing::chunked) http::append_framing(x.out, http::Framing::chunked);
  if (!limit_.clients.unlimited() || session_.route.options.policies.propagate_deadline) {
    append_deadline(x.out, limit_, session_.now());
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
      co_return fail(ProxyError::http_response_header_section_size, "the upstream's head is too large", session_.now());
    }
    const TimePoint deadline = limit_.after(upload_.sent_at());
    const net::ReadResult got = co_await upstream().read(x.up.writable(), deadline, wait_first);
    wait_first = false;
    if (session_.watch.gone() || upload_.client_gone() || upload_.bad_body()) co_return End::client_gone;
    if (got.status == net::IoStatus::deadline) {
      co_return time_out(ProxyError::http_response_timeout, "the upstream did not answer in time", got.read_at);
    }
    if (got.status == net::IoStatus::eof) {
      co_return broken_off(got_bytes_ ? ProxyError::http_response_incomplete : ProxyError::connection_terminated,
                           "the upstream closed the connection before its answer", got);
    }
    if (got.status != net::IoStatus::ok) {
      co_return broken_off(ProxyError::connection_terminated, "the upstream reset the connection", got);
    }
    if (!got_bytes_ && before_request(got)) {
      co_return spoilt("the upstream had sent bytes that nobody asked for", got.read_at);
    }
    got_bytes_ = true;
    x.up.commit(got.bytes);
    for (;;) {
      const http::ParseResult parsed = http::parse_response(x.up.view(), limits, x.request.method, scan, x.response);
      if (parsed.bad()) {
        // On a kept connection, the rest of an earlier answer, such as the body of one to HEAD.
        if (kept_ && interim == 0) co_return spoilt(parsed.message, got.read_at);
        co_return fail(ProxyError::http_protocol_error, parsed.message, got.read_at);
      }
      if (!parsed.complete()) break;
      x.up.consume(parsed.consumed);
      if (x.response.status == 101) {
        co_return fail(ProxyError::http_upgrade_failed, "the upstream switched protocols unasked", got.read_at);
      }
      if (!x.response.interim()) {
        if (kept_ && shifted()) co_return spoilt("the upstream sent two answers to one request", got.read_at);
        co_return answered(got);
      }
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

// Only for a kept connection that ended before a byte of an answer or was spoilt, and a request that is the same a
// second time.
bool UpstreamCall::resend_allowed() const {
  return kept_ && (!got_bytes_ || spoilt_) && upload_.replayable() && judgement_.verdict != core::Verdict::timeout &&
         idempotent(session_.exchange.request.method);
}

// Bytes that were here before the request's first byte left answer something else: an earlier request, or nothing, as
// the 408 of a peer that was tired of waiting.
bool UpstreamCall::before_request(const net::ReadResult& first) const {
  return first.stamped && first.arrived_at < upload_.began_at() - stamp_error(first);
}

// Whether an answer that has come whole has another one behind it. The kept connection had one too many in it, then,
// and which of the two answers this request nobody can tell. (Other surplus, such as a line end too many, only costs
// the connection.)
bool UpstreamCall::shifted() const {
  const Exchange& x = session_.exchange;
  std::string_view rest = x.up.view();
  // The usual end of it, without the price of a reader.
  if (rest.empty() || (x.response.framing == http::Framing::length && rest.size() <= x.response.content_length)) {
    return false;
  }
  http::BodyReader body(x.response.framing, x.response.content_length, session_.options().limits);
  while (!body.done() && !rest.empty()) {
    const auto piece = body.next(rest);
    if (!piece) return false;  // the relay will say so
    rest.remove_prefix(piece->consumed);
  }
  return body.done() && rest.starts_with("HTTP/");
}

UpstreamCall::End UpstreamCall::spoilt(std::string_view details, TimePoint now) {
  spoilt_ = true;
  session_.shared().metrics.upstream_unasked.add(1, session_.worker.shard);
  return fail(ProxyError::http_protocol_error, details, now);
}

void UpstreamCall::keep_connection() {
  session_.pool().give_back(std::move(connection_), judgement_.upstream, session_.now());
}

}  // namespace quoll::proxy

#include "upstream_call.h"

#include "client_head.h"
#include "proxy_protocol.h"
#include "repeat.h"
#include "upstream_head.h"

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
    compose_upstream_head(session_, limit_, trace_);
    bool sent = upload_.send_bodyless(upstream());
    if (!sent) sent = co_await upload_.start(upstream());
    if (upload_.bad_body()) co_return End::client_gone;
    if (sent) {
      upstream().set_earliest_arrival(upload_.began_at() - kStampsBeforeRequest);
      const End end = co_await await_head();
      session_.watch.await_body(false);
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
  if (again || session_.route.options.send_proxy) return false;
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
  if (!options.send_proxy) co_return true;
  const bool introduced = co_await send_proxy_header();
  co_return introduced;
}

net::Task<bool> UpstreamCall::send_proxy_header() {
  std::string header;
  append_proxy_header(header, session_.ends.remote, session_.ends.local);
  iovec piece{header.data(), header.size()};
  const net::WriteResult written = co_await upstream().write({&piece, 1}, limit_.after(session_.now()));
  if (written.status == net::IoStatus::ok) co_return true;
  fail(ProxyError::connection_terminated, "the upstream closed the connection while it was sent to", session_.now());
  co_return false;
}

net::Task<UpstreamCall::End> UpstreamCall::await_head() {
  Exchange& x = session_.exchange;
  const http::Limits& limits = session_.options().limits;
  http::HeadScan scan;
  x.up.clear();
  bool wait_first = true;  // the request has only just left
  int interim = 0;
  start_repair();
  for (;;) {
    if (!x.up.make_room(Exchange::kFirst, limits.head_bytes + 1)) {
      co_return fail(ProxyError::http_response_header_section_size, "the upstream's head is too large", session_.now());
    }
    const TimePoint deadline = upload_.held() ? held_until() : limit_.after(upload_.sent_at());
    const net::ReadResult got = co_await upstream().read(x.up.writable(), deadline, wait_first);
    wait_first = false;
    if (session_.watch.gone() || upload_.client_gone() || upload_.bad_body()) co_return End::client_gone;
    if (got.status == net::IoStatus::deadline && upload_.held() && got.read_at < limit_.clients.at()) {
      const bool asked = co_await ask_for_body();
      if (!asked) co_return End::client_gone;
      continue;
    }
    if (got.status != net::IoStatus::ok) co_return ended_without(got);
    if (!got_bytes_ && before_request(got)) {
      co_return spoilt("the upstream had sent bytes that nobody asked for", got.read_at);
    }
    got_bytes_ = true;
    x.up.commit(got.bytes);
    for (;;) {
      const http::ParseResult parsed = parse_head(scan);
      if (parsed.bad()) {
        // On a kept connection, the rest of an earlier answer, such as the body of one to HEAD.
        if (kept_ && interim == 0) co_return spoilt(parsed.message, got.read_at);
        co_return fail(ProxyError::http_protocol_error, parsed.message, got.read_at);
      }
      if (!parsed.complete()) break;
      x.up.consume(parsed.consumed);
      if (!x.response.interim()) co_return final_head(got);
      if (++interim > kMostInterim) {
        co_return fail(ProxyError::http_protocol_error, "there are too many interim answers", got.read_at);
      }
      const bool passed = co_await pass_interim();
      if (!passed) co_return End::client_gone;
      scan = {};
      start_repair();
    }
  }
}

// Fills exchange.response.
http::ParseResult UpstreamCall::parse_head(http::HeadScan& scan) {
  Exchange& x = session_.exchange;
  const http::Limits& limits = session_.options().limits;
  if (!session_.route.options.lenient_upstream) {
    return http::parse_response(x.up.view(), limits, x.request.method, scan, x.response);
  }
  http::ParseResult mended = http::repair_response_head(x.up.view(), limits, repair_, x.repaired);
  if (!mended.complete()) return mended;
  const http::ParseResult parsed = http::parse_response(x.repaired, limits, x.request.method, scan, x.response);
  return parsed.complete() ? mended : parsed;
}

// Instead of an answer: silence until the deadline, or the connection's end.
UpstreamCall::End UpstreamCall::ended_without(const net::ReadResult& got) {
  if (got.status == net::IoStatus::deadline) {
    return time_out(ProxyError::http_response_timeout, "the upstream did not answer in time", got.read_at);
  }
  if (got.status == net::IoStatus::eof) {
    return broken_off(got_bytes_ ? ProxyError::http_response_incomplete : ProxyError::connection_terminated,
                      "the upstream closed the connection before its answer", got);
  }
  return broken_off(ProxyError::connection_terminated, "the upstream reset the connection", got);
}

UpstreamCall::End UpstreamCall::final_head(const net::ReadResult& got) {
  if (session_.exchange.response.status == 101) {
    if (switches_to_websocket(session_.exchange)) return answered(got);
    return fail(ProxyError::http_upgrade_failed, "the upstream switched protocols unasked", got.read_at);
  }
  switch (look_behind()) {
    case Behind::sound:
      break;
    case Behind::malformed:
      return fail(ProxyError::http_protocol_error, "the body of the upstream's answer is malformed", got.read_at);
    case Behind::another_answer:
      return spoilt("the upstream sent two answers to one request", got.read_at);
  }
  return answered(got);
}

// An interim answer goes on to a client that can read it (RFC 9110 section 15.2); 100 to one that waits for it.
net::Task<bool> UpstreamCall::pass_interim() {
  http::RequestHead& request = session_.exchange.request;
  const bool go_on = session_.exchange.response.status == 100;
  if (request.minor_version == 0 || (go_on && !request.expect_continue)) co_return true;
  const bool passed = co_await send_interim(session_);
  if (!passed) co_return false;
  if (!go_on) co_return true;
  request.expect_continue = false;
  if (upload_.held()) upload_.release();
  co_return true;
}

// How long a client's body is held back for an upstream that says nothing: as long as clients wait themselves.
TimePoint UpstreamCall::held_until() const {
  constexpr Duration kPatience = std::chrono::seconds(1);
  return std::min(upload_.head_sent_at() + std::min(kPatience, limit_.timeout), limit_.clients.at());
}

// The upstream has not said whether it wants the body, as many never do; or the client has not waited for that.
net::Task<bool> UpstreamCall::ask_for_body() {
  if (!session_.watch.body_came()) {
    const bool told = co_await send_continue(session_);
    if (!told) co_return false;
  }
  upload_.release();
  co_return true;
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

// What came with the head, while nothing of the answer has been passed on.
UpstreamCall::Behind UpstreamCall::look_behind() const {
  const Exchange& x = session_.exchange;
  std::string_view rest = x.up.view();
  // The usual end of it, without the price of a reader.
  if (rest.empty() || (x.response.framing == http::Framing::length && rest.size() <= x.response.content_length)) {
    return Behind::sound;
  }
  http::BodyReader body(x.response.framing, x.response.content_length, session_.options().limits);
  while (!body.done() && !rest.empty()) {
    const auto piece = body.next(rest);
    if (!piece) return Behind::malformed;
    rest.remove_prefix(piece->consumed);
  }
  // The kept connection had an answer too many in it, then, and which of the two answers this request nobody can tell.
  // (Other surplus, such as a line end too many, only costs the connection.)
  return kept_ && body.done() && rest.starts_with("HTTP/") ? Behind::another_answer : Behind::sound;
}

UpstreamCall::End UpstreamCall::spoilt(std::string_view details, TimePoint now) {
  spoilt_ = true;
  session_.shared().metrics.upstream_unasked.add(1, session_.worker.shard);
  return fail(ProxyError::http_protocol_error, details, now);
}

void UpstreamCall::keep_connection(Duration rest) {
  if (session_.route.options.send_proxy) return;  // it speaks for this client
  session_.pool().give_back(std::move(connection_), judgement_.upstream, rest, session_.now());
}

}  // namespace quoll::proxy

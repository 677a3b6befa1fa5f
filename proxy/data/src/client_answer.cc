#include "client_answer.h"

#include <fmt/format.h>

#include <string>

#include "client_head.h"
#include "quoll/http/write.h"
#include "quoll/proxy/data/lingering_close.h"
#include "relay.h"
#include "tunnel.h"

namespace quoll::proxy {
namespace {

// Whether the client's connection outlives this exchange, as far as we are concerned.
bool may_keep(const Session& s) {
  return s.exchange.request.keep_alive && !s.worker.draining;
}

void observe(Session& s, unsigned status) {
  s.durations().server.observe(s.exchange.request.method, status, s.now() - s.exchange.arrived_at, s.worker.shard);
}

// A client that asks why has the name under which the logs have its request.
std::string request_id_field(Session& s) {
  return fmt::format("{}: {}\r\n", RequestId::kField, s.request_id.of(s.exchange.request, s.worker.trace_ids));
}

// The body of a request that was answered without it has to go somewhere before the next request can be read.
net::Task<bool> end_request(Session& s, http::BodyReader& body, bool keep) {
  if (body.done()) co_return keep;
  // (No co_await behind && or ||: gcc 12 compiles that to a trap.)
  if (keep) {
    const bool gone = co_await discard_body(s, body);
    if (gone) co_return true;
  }
  co_await lingering_close(s.client);
  co_return false;
}

// Made once: a proxy that sheds has no time to lose.
struct ShedAnswer {
  ShedAnswer(std::string_view details, std::string_view message)
      : fields(fmt::format("Cache-Control: no-store\r\nRetry-After: 1\r\n"
                           "Proxy-Status: quoll; error=proxy_internal_response; details=\"{}\"\r\n",
                           details)),
        body(error_json(message)) {}

  const std::string fields;
  const std::string body;
};

const ShedAnswer& shed_answer(core::ShedReason reason) {
  static const ShedAnswer overload("overload", "this proxy is overloaded");
  static const ShedAnswer too_old("too_old", "the request waited too long for this proxy");
  return reason == core::ShedReason::too_old ? too_old : overload;
}

// Keeps the connection of an answer that has been received whole, unless there are bytes behind it: they are nobody's.
void keep_unless_surplus(Session& s, UpstreamCall& attempt, Duration rest) {
  if (s.exchange.up.empty()) return attempt.keep_connection(rest);
  s.shared().metrics.upstream_unasked.add(1, s.worker.shard);
}

// Of a body that did not come to its end.
core::Outcome outcome_of(RelayEnd end) {
  switch (end) {
    case RelayEnd::upstream_broken:
      return core::Outcome::failure;
    case RelayEnd::upstream_silent:
      return core::Outcome::timeout;
    case RelayEnd::local_lack:
      return core::Outcome::ignored;
    case RelayEnd::done:
    case RelayEnd::client_gone:
    case RelayEnd::client_slow:
      return core::Outcome::cancelled;
  }
  return core::Outcome::cancelled;
}

// The connection becomes a tunnel. To the policies the 101 was the answer: the call and its place in the limits end
// here, for a limit that learns from how long calls take would learn nothing from a tunnel, and be full of them. What
// becomes of the tunnel is between its ends.
net::Task<bool> switch_protocols(Session& s, UpstreamCall& attempt, core::PipelineCall* call) {
  if (call != nullptr) static_cast<void>(call->finish(attempt.sample(), s.now(), {.last = true}));
  static_cast<void>(compose_client_head(s, true));
  const bool sent = co_await send(s, s.exchange.out);
  observe(s, s.exchange.response.status);
  if (!sent) co_return false;
  Tunnel tunnel(s, attempt.upstream());
  co_await tunnel.run();
  co_return false;
}

}  // namespace

net::Task<bool> send(Session& s, std::string_view bytes) {
  s.watch.answer_begins();
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  const net::WriteResult written = co_await s.client.write({&piece, 1}, s.now() + s.options().client_gap);
  co_return written.status == net::IoStatus::ok;
}

net::Task<bool> refuse_and_close(Session& s, unsigned status, std::string_view message, std::string_view fields) {
  s.exchange.out.clear();
  append_bad_request(s.exchange.out, status, message, s.exchange.request.method == "HEAD",
                     request_id_field(s) + std::string(fields));
  co_await send(s, s.exchange.out);
  co_await lingering_close(s.client);
  co_return false;
}

net::Task<bool> reply_page(Session& s, const PageAnswer& page) {
  http::BodyReader body(s.exchange.request.framing, s.exchange.request.content_length, s.options().limits);
  const bool keep = may_keep(s) && discardable(s, body);
  const std::string fields = "Cache-Control: no-store\r\n" + page.fields;
  s.exchange.out.clear();
  append_reply(s.exchange.out, {.status = page.status,
                                .content_type = page.content_type,
                                .body = page.body,
                                .fields = fields,
                                .keep_alive = keep,
                                .old_client = s.exchange.request.minor_version == 0,
                                .head_only = s.exchange.request.method == "HEAD"});
  if (!co_await send(s, s.exchange.out)) co_return false;
  co_return co_await end_request(s, body, keep);
}

net::Task<bool> reply_trouble(Session& s, http::BodyReader& body, const Trouble& trouble) {
  const bool keep = may_keep(s) && discardable(s, body);
  s.exchange.out.clear();
  const unsigned status =
      append_trouble(s.exchange.out, s.route, trouble, s.exchange.request, request_id_field(s), keep);
  const bool sent = co_await send(s, s.exchange.out);
  observe(s, status);
  if (!sent) co_return false;
  co_return co_await end_request(s, body, keep);
}

// A 503 also with the fallback on: a client, or what balances load before us, must learn to send less or elsewhere, and
// a full answer for each request too many is what an overloaded process cannot afford.
net::Task<bool> reply_shed(Session& s, core::ShedReason reason) {
  http::BodyReader body(s.exchange.request.framing, s.exchange.request.content_length, s.options().limits);
  const bool keep = may_keep(s) && discardable(s, body);
  const ShedAnswer& answer = shed_answer(reason);
  const std::string fields = answer.fields + request_id_field(s);
  s.exchange.out.clear();
  append_reply(s.exchange.out, {.status = 503,
                                .body = answer.body,
                                .fields = fields,
                                .keep_alive = keep,
                                .old_client = s.exchange.request.minor_version == 0,
                                .head_only = s.exchange.request.method == "HEAD"});
  const bool sent = co_await send(s, s.exchange.out);
  observe(s, 503);
  if (!sent) co_return false;
  co_return co_await end_request(s, body, keep);
}

net::Task<bool> pass_on(Session& s, UpstreamCall& attempt, core::PipelineCall* call) {
  Exchange& x = s.exchange;
  if (x.response.status == 101) co_return co_await switch_protocols(s, attempt, call);
  // A client that still holds its body back may send it yet, or not: where its next request begins nobody can tell.
  const bool keep = may_keep(s) && !attempt.upload().held();
  const ClientHead head = compose_client_head(s, keep);
  const unsigned status = x.response.status;
  const bool reusable = x.response.keep_alive && x.response.framing != http::Framing::until_close;
  http::BodyReader body(x.response.framing, x.response.content_length, s.options().limits);
  core::Sample sample = attempt.sample();
  const auto finish = [&] {
    if (call != nullptr) static_cast<void>(call->finish(sample, s.now(), {.last = true}));
  };
  // One reference fits into a std::function without a heap.
  const auto on_complete = [&finish] { finish(); };
  const RelayEnd end = co_await relay_response(s, attempt.upstream(), body, head.chunked, on_complete);
  observe(s, status);

  Upload& upload = attempt.upload();
  if (end == RelayEnd::done) {
    if (reusable && upload.complete()) keep_unless_surplus(s, attempt, head.upstream_rest);
    if (upload.held()) attempt.upstream().abort();  // it has half a request
    // Most requests have ended by now: a Task for nothing costs more than to ask.
    if (upload.running()) co_await upload.finish();
    if (upload.body_done()) co_return head.keep;
    co_return co_await end_request(s, upload.body(), head.keep);
  }
  // A client that left or stalled in the middle of its own body has ended the upstream's connection, too.
  if (upload.client_gone() || upload.bad_body() || upload.blame_client(s.now())) {
    sample.outcome = core::Outcome::cancelled;
  } else {
    sample.outcome = outcome_of(end);
  }
  finish();
  co_await upload.finish();
  // The client has the head already; a cut connection is the only way left to say that the body is not whole.
  s.client.abort();
  co_return false;
}

void keep_if_whole(Session& s, UpstreamCall& attempt) {
  Exchange& x = s.exchange;
  http::BodyReader body(x.response.framing, x.response.content_length, s.options().limits);
  while (!body.done() && !x.up.empty()) {
    const auto piece = body.next(x.up.readable());
    if (!piece) return;
    x.up.consume(piece->consumed);
  }
  const bool whole = body.done() && attempt.upload().complete();
  if (whole && x.response.keep_alive && x.response.framing != http::Framing::until_close) {
    keep_unless_surplus(s, attempt, announced_rest(x.response));
  }
}

}  // namespace quoll::proxy

#include "admin.h"

#include <boost/asio/ip/address.hpp>

#include "head_reader.h"
#include "quoll/http/write.h"
#include "quoll/net/endpoint.h"
#include "relay.h"
#include "reply.h"

namespace quoll::proxy {
namespace {

const http::Limits kLimits{.head_bytes = 16 * 1024, .body_bytes = 64 * 1024};
constexpr Duration kPatience = std::chrono::seconds(5);

net::Task<bool> send(net::StampedSocket& client, std::string_view bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  const net::WriteResult written = co_await client.write({&piece, 1}, steady_now() + kPatience);
  co_return written.status == net::IoStatus::ok;
}

// The whole body, within kLimits; nullopt when it is malformed, too large or does not come.
net::Task<std::optional<std::string>> read_body(net::StampedSocket& client, Exchange& x) {
  http::BodyReader body(x.request.framing, x.request.content_length, kLimits);
  std::string out;
  const TimePoint deadline = steady_now() + kPatience;
  Buffer* from = &x.in;
  while (!body.done()) {
    if (from->empty()) {
      from = &x.body;
      from->clear();
      from->reserve(Exchange::kFirst);
      const net::ReadResult got = co_await client.read(from->writable(), deadline);
      if (got.status != net::IoStatus::ok) co_return std::nullopt;
      from->commit(got.bytes);
    }
    const auto piece = body.next(from->readable());
    if (!piece) co_return std::nullopt;
    out.append(piece->data.data(), piece->data.size());
    from->consume(piece->consumed);
  }
  co_return out;
}

bool is_events(const http::RequestHead& request) {
  const std::string_view path(request.path);
  return request.method == "GET" && path.substr(0, path.find('?')) == "/events";
}

// What the reader has seen already: a browser that comes back by itself says so in Last-Event-ID, our page in `since`.
WallTime seen_until(const http::RequestHead& request) {
  if (const auto id = request.fields.find("Last-Event-ID")) return parse_event_id(*id);
  constexpr std::string_view kSince = "?since=";
  const std::string_view path(request.path);
  const std::size_t at = path.find(kSince);
  return at == std::string_view::npos ? WallTime{} : parse_event_id(path.substr(at + kSince.size()));
}

}  // namespace

bool admin_request_allowed(const http::RequestHead& head) {
  std::string_view host = head.host;
  if (!host.empty() && host.front() == '[') {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  if (error && !http::iequals(host, "localhost") && !host.empty()) return false;
  const auto origin = head.fields.find("Origin");
  return !origin || (origin->starts_with("http://") && origin->substr(7) == head.host);
}

net::Task<void> AdminServer::serve(net::TcpSocket socket) {
  if (connections_ >= kMaxConnections) co_return;
  ++connections_;
  net::StampedSocket client(worker_.loop(), std::move(socket));
  Exchange exchange;
  for (bool keep = true; keep;) keep = co_await serve_one(client, exchange);
  --connections_;
}

net::Task<void> AdminServer::stream_events(net::StampedSocket& client, Exchange& x) {
  if (hub_.full()) {
    append_reply(x.out, {.status = 503,
                         .body = "{\"error\":\"too many readers of /events\"}\n",
                         .fields = "Retry-After: 5\r\n",
                         .keep_alive = false});
    co_await send(client, x.out);
    co_return;
  }
  http::append_status_line(x.out, 200);
  http::append_field(x.out, "Content-Type", "text/event-stream");
  http::append_field(x.out, "Cache-Control", "no-store");
  http::append_field(x.out, "X-Content-Type-Options", "nosniff");
  http::append_field(x.out, "Connection", "close");
  http::append_head_end(x.out);
  x.out += sampler_.greeting(seen_until(x.request), steady_now(), wall_now());
  co_await hub_.serve(client, std::move(x.out));
}

net::Task<bool> AdminServer::serve_one(net::StampedSocket& client, Exchange& x) {
  constexpr Duration kIdle = std::chrono::seconds(60);
  const TimePoint idle_until = steady_now() + kIdle;
  HeadResult head = co_await read_head(client, x, kLimits, kPatience);
  while (head.end == HeadEnd::nothing) {
    const bool readable = co_await client.wait_readable(idle_until);
    if (!readable) co_return false;
    head = co_await read_head(client, x, kLimits, kPatience);
  }
  x.out.clear();
  if (head.end == HeadEnd::bad) {
    append_bad_request(x.out, head.refusal.answer, head.refusal.message);
    co_await send(client, x.out);
    co_await lingering_close(client);
    co_return false;
  }
  if (head.end != HeadEnd::complete) co_return false;

  PageAnswer page;
  const bool allowed = admin_request_allowed(x.request);
  std::optional<std::string> body;
  if (allowed) body = co_await read_body(client, x);
  const bool keep = body.has_value() && x.request.keep_alive;
  if (!allowed) {
    page = {403,
            "application/json",
            "{\"error\":\"this Host or Origin may not use the admin port; use an address or localhost\"}\n",
            {}};
  } else if (!body) {
    page = {413, "application/json", "{\"error\":\"the body is malformed, too large or incomplete\"}\n", {}};
  } else if (is_events(x.request)) {
    co_await stream_events(client, x);
    co_return false;
  } else {
    page = pages_.admin(x.request.method, x.request.path, *body);
  }
  append_reply(x.out, {.status = page.status,
                       .content_type = page.content_type,
                       .body = page.body,
                       .fields = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" + page.fields,
                       .keep_alive = keep,
                       .old_client = x.request.minor_version == 0,
                       .head_only = x.request.method == "HEAD"});
  if (!co_await send(client, x.out)) co_return false;
  if (!x.body.empty()) {
    x.in.append(x.body.readable());
    x.body.clear();
  }
  co_return keep;
}

}  // namespace quoll::proxy

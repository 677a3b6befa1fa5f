#include "quoll/proxy/admin/admin.h"

#include <boost/asio/ip/address.hpp>

#include "quoll/http/write.h"
#include "quoll/net/endpoint.h"
#include "quoll/proxy/data/head_reader.h"
#include "quoll/proxy/data/lingering_close.h"
#include "quoll/proxy/data/reply.h"

namespace quoll::proxy {
namespace {

const http::Limits kLimits{.head_bytes = 16 * 1024, .body_bytes = 64 * 1024};
// For a first request, for a head's or a body's end, and for an answer to be taken.
constexpr Duration kPatience = std::chrono::seconds(5);
// From one request to the next.
constexpr Duration kIdle = std::chrono::seconds(60);

net::Task<bool> send(net::Stream& client, std::string_view bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  const net::WriteResult written = co_await client.write({&piece, 1}, steady_now() + kPatience);
  co_return written.status == net::IoStatus::ok;
}

// A whole body within kLimits, or what is answered instead.
struct AdminBody {
  std::string text;
  unsigned refusal = 0;  // none
  std::string_view message = {};
};
net::Task<AdminBody> read_body(net::Stream& client, Exchange& x) {
  const AdminBody bad{{}, 413, "the body is malformed, too large or incomplete"};
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
      if (got.status == net::IoStatus::deadline) co_return AdminBody{{}, 408, "the body did not come in time"};
      if (got.status != net::IoStatus::ok) co_return bad;
      from->commit(got.bytes);
    }
    const auto piece = body.next(from->readable());
    if (!piece) co_return bad;
    out.append(piece->data.data(), piece->data.size());
    from->consume(piece->consumed);
  }
  co_return AdminBody{std::move(out)};
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

// A browser names the page that sent a request in Origin, and says in Sec-Fetch-Site how that page is related to this
// server. Another port of this host is "same-site", and another program. What a person typed or chose is "none". A link
// may lead here from anywhere, for what it shows stays here.
bool from_here(const http::RequestHead& head) {
  std::size_t origins = 0;
  for (const http::Field& field : head.fields) {
    if (!http::iequals(field.name, "Origin")) continue;
    if (++origins > 1 || !field.value.starts_with("http://") || field.value.substr(7) != head.host) return false;
  }
  const bool reads = head.method == "GET" || head.method == "HEAD";
  const auto mode = head.fields.find("Sec-Fetch-Mode");
  if (reads && mode == "navigate") return true;
  for (const http::Field& field : head.fields) {
    if (!http::iequals(field.name, "Sec-Fetch-Site")) continue;
    if (field.value != "same-origin" && field.value != "none") return false;
  }
  return true;
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
  return from_here(head);
}

bool AdminServer::make_room() {
  if (connections_ < kMaxConnections) return true;
  if (waiting_.empty()) return false;
  Connection& oldest = waiting_.front();
  waiting_.pop_front();
  oldest.evicted = true;
  oldest.client.close();
  --connections_;
  return true;
}

void AdminServer::wait(Connection& connection) {
  connection.unlink();
  if (!connection.evicted) waiting_.push_back(connection);
}

net::Task<void> AdminServer::serve(net::TcpSocket socket) {
  if (!make_room()) {
    turn_away_(worker_.loop(), std::move(socket));
    co_return;
  }
  ++connections_;
  Connection connection(worker_.loop(), std::move(socket));
  Exchange exchange;
  for (bool keep = true; keep;) keep = co_await serve_one(connection, exchange);
  if (!connection.evicted) --connections_;
}

net::Task<void> AdminServer::stream_events(net::Stream& client, Exchange& x) {
  if (hub_.full()) {
    append_reply(x.out, {.status = 503,
                         .body = error_json("too many readers of /events"),
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

// For a request after which nobody can tell where the next one starts; closes.
net::Task<bool> AdminServer::refuse(Connection& connection, Exchange& x, unsigned status, std::string_view message,
                                    bool head_only) {
  wait(connection);
  x.out.clear();
  append_bad_request(x.out, status, message, head_only);
  co_await send(connection.client, x.out);
  co_await lingering_close(connection.client);
  co_return false;
}

net::Task<bool> AdminServer::serve_one(Connection& connection, Exchange& x) {
  net::Stream& client = connection.client;
  wait(connection);
  const TimePoint idle_until = steady_now() + (connection.served ? kIdle : kPatience);
  HeadResult head = co_await read_head(client, x, kLimits, kPatience);
  while (head.end == HeadEnd::nothing) {
    const bool readable = co_await client.wait_readable(idle_until);
    if (!readable || !client.is_open()) co_return false;
    head = co_await read_head(client, x, kLimits, kPatience);
  }
  if (head.end == HeadEnd::bad)
    co_return co_await refuse(connection, x, head.refusal.answer, head.refusal.message, head.head_only);
  if (head.end == HeadEnd::too_slow)
    co_return co_await refuse(connection, x, 408, "the request's head took too long", head.head_only);
  if (head.end != HeadEnd::complete) co_return false;
  const bool head_only = x.request.method == "HEAD";
  if (!admin_request_allowed(x.request)) {
    co_return co_await refuse(connection, x, 403,
                              "this Host or Origin may not use the admin port; use an address or localhost", head_only);
  }
  const AdminBody body = co_await read_body(client, x);
  if (body.refusal != 0) co_return co_await refuse(connection, x, body.refusal, body.message, head_only);
  if (!client.is_open()) co_return false;

  connection.unlink();
  connection.served = true;
  x.out.clear();
  if (is_events(x.request)) {
    co_await stream_events(client, x);
    co_return false;
  }
  const bool keep = x.request.keep_alive;
  const PageAnswer page = pages_.admin(x.request.method, x.request.path, body.text);
  append_reply(x.out, {.status = page.status,
                       .content_type = page.content_type,
                       .body = page.body,
                       .fields = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" + page.fields,
                       .keep_alive = keep,
                       .old_client = x.request.minor_version == 0,
                       .head_only = head_only});
  if (!co_await send(client, x.out)) co_return false;
  if (!x.body.empty()) {
    x.in.append(x.body.readable());
    x.body.clear();
  }
  co_return keep;
}

}  // namespace quoll::proxy

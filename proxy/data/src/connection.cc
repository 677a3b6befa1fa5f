#include "quoll/proxy/data/connection.h"

#include "forwarded.h"
#include "policy_stack.h"
#include "proxy_protocol.h"
#include "quoll/net/stamped_socket.h"
#include "quoll/proxy/data/head_reader.h"
#include "quoll/proxy/data/lingering_close.h"
#include "quoll/proxy/data/reply.h"

namespace quoll::proxy {
namespace {

// Of a socket that is reset already there is nothing to know.
ClientEnds ends_of(const net::TcpSocket& socket) {
  boost::system::error_code error;
  return {socket.remote_endpoint(error), socket.local_endpoint(error)};
}

constexpr Duration kLookForEnd = std::chrono::milliseconds(500);

}  // namespace

Connection::Connection(WorkerState& worker, net::Stream& client, const ClientEnds& ends)
    : worker_(worker), client_(client) {
  take_ends(ends);
  worker_.open.push_back(*this);
  worker_.shared.metrics.client_connections.add(1);
}

void Connection::take_ends(const ClientEnds& ends) {
  ends_ = ends;
  peer_ = ends.remote.address().to_string();
  forwarded_beginning_ = forwarded_beginning(peer_);
}

Connection::~Connection() {
  worker_.open.erase(worker_.open.iterator_to(*this));
  worker_.shared.metrics.client_connections.add(-1);
  worker_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
}

net::Task<void> Connection::serve(WorkerState& worker, net::TcpSocket socket) {
  const ClientEnds ends = ends_of(socket);
  net::StampedSocket client(worker.worker.loop(), std::move(socket));
  Connection connection(worker, client, ends);
  co_await connection.run();
}

net::Task<void> Connection::serve(WorkerState& worker, net::Stream& client, ClientEnds ends) {
  Connection connection(worker, client, ends);
  co_await connection.run();
}

void Connection::drain() {
  // A request that lies in the socket already is served; its answer says that it is the last.
  if (idle_ && client_.peek() != net::Stream::Peek::readable) client_.close();
}

void Connection::look() {
  if (watch_ != nullptr) watch_->look();
}

// False when there is none: who connects then is not what it should be, and gets no answer. Of what came behind the
// header exchange.in has the beginning.
net::Task<bool> Connection::read_proxy_header(Exchange& x) {
  const TimePoint deadline = worker_.now() + worker_.shared.options.head_timeout;
  for (;;) {
    if (!x.in.make_room(kMostProxyHeader, kMostProxyHeader)) co_return false;
    const net::ReadResult got = co_await client_.read(x.in.writable(), deadline);
    if (got.status != net::IoStatus::ok) co_return false;
    x.in.commit(got.bytes);
    x.arrived_at = got.arrived_at;
    x.read_at = got.read_at;
    const ProxyHeader header = parse_proxy_header(x.in.view());
    if (header.status == ProxyHeader::Status::need_more) continue;
    if (header.status == ProxyHeader::Status::bad) {
      worker_.shared.metrics.bad_requests.add(1, worker_.shard);
      co_return false;
    }
    x.in.consume(header.consumed);
    if (header.has_source) take_ends({header.source, ends_.local});
    co_return true;
  }
}

net::Task<void> Connection::run() {
  std::unique_ptr<Exchange> begun;  // what came behind a PROXY header
  if (!worker_.proxy_protocol_from.empty() && worker_.proxy_protocol_from.contains(ends_.remote.address())) {
    begun = worker_.borrow();
    const bool introduced = co_await read_proxy_header(*begun);
    if (!introduced) co_return worker_.give_back(std::move(begun));
    if (begun->in.empty()) worker_.give_back(std::move(begun));
  }
  TimePoint idle_until = worker_.now() + worker_.shared.options.idle_timeout;
  for (;;) {
    idle_ = true;
    // An end that came right behind the last request makes no edge of its own: look for it once.
    const TimePoint look_at = worker_.now() + kLookForEnd;
    bool readable = begun != nullptr;
    if (!readable) readable = co_await client_.wait_readable(std::min(look_at, idle_until));
    if (!readable && client_.is_open() && look_at < idle_until) {
      if (client_.peek() == net::Stream::Peek::closed) co_return;
      readable = co_await client_.wait_readable(idle_until);
    }
    idle_ = false;
    if (!readable || !client_.is_open()) co_return;
    auto exchange = begun != nullptr ? std::move(begun) : worker_.borrow();
    Next next = Next::request;
    do {
      next = co_await serve_one(*exchange);
      // A wake-up without a request does not extend the connection's life.
      if (next == Next::request) idle_until = worker_.now() + worker_.shared.options.idle_timeout;
    } while (next == Next::request && !exchange->in.empty());
    worker_.give_back(std::move(exchange));
    if (next == Next::close || worker_.draining) co_return;
  }
}

net::Task<Connection::Next> Connection::serve_one(Exchange& x) {
  const ProxyOptions& options = worker_.shared.options;
  const HeadResult head = co_await read_head(client_, x, options.limits, options.head_timeout);
  if (head.end == HeadEnd::nothing) co_return Next::wait;
  if (head.end == HeadEnd::closed) co_return Next::close;
  if (head.end != HeadEnd::complete) {
    worker_.shared.metrics.bad_requests.add(1, worker_.shard);
    const bool slow = head.end == HeadEnd::too_slow;
    x.out.clear();
    append_bad_request(x.out, slow ? 408 : head.refusal.answer,
                       slow ? "the request's head took too long" : head.refusal.message, head.head_only);
    iovec piece{x.out.data(), x.out.size()};
    co_await client_.write({&piece, 1}, worker_.now() + std::chrono::seconds(1));
    co_await lingering_close(client_);
    co_return Next::close;
  }

  ClientWatch watch(client_, x.request);
  watch_ = &watch;
  Route& route = worker_.shared.routes.match(x.request.host, x.request.path);
  Session session{worker_, client_, x, ends_, peer_, forwarded_beginning_, route, watch};
  const bool keep = co_await proxy::serve(session);
  watch_ = nullptr;
  // What came after this request's body is the start of the next one.
  if (!x.body.empty()) {
    x.in.append(x.body.readable());
    x.body.clear();
  }
  co_return keep ? Next::request : Next::close;
}

}  // namespace quoll::proxy

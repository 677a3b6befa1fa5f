#include "tunnel.h"

#include <algorithm>

namespace quoll::proxy {

Tunnel::Tunnel(Session& session, net::Stream& upstream)
    : session_(session),
      up_{session.client, upstream, session.exchange.in},
      down_{upstream, session.client, session.exchange.up},
      moved_at_(session.now()),
      up_ended_(session.worker.worker.executor()) {}

net::Task<void> Tunnel::run() {
  // A machine that has gone without a word is noticed long before the tunnel has been idle for too long.
  session_.client.keep_alive();
  down_.from.keep_alive();
  net::spawn(session_.worker.worker.executor(), pump_up());
  co_await pump(down_, up_);
  while (up_running_) {
    up_ended_.expires_at(std::chrono::steady_clock::time_point::max());
    co_await up_ended_.async_wait(net::kAwait);
  }
  Metrics& metrics = session_.shared().metrics;
  metrics.bytes_from_clients.add(up_.bytes, session_.worker.shard);
  metrics.bytes_to_clients.add(down_.bytes, session_.worker.shard);
}

net::Task<void> Tunnel::pump_up() {
  co_await pump(up_, down_);
  up_running_ = false;
  up_ended_.cancel();
}

net::Task<void> Tunnel::pump(Way& way, Way& other) {
  bool goes_on = true;
  while (goes_on && !cut_) {
    // (No co_await behind ?: either, for the same reason as behind && and ||.)
    if (way.buffer.empty()) {
      goes_on = co_await fill(way, other);
    } else {
      goes_on = co_await empty(way);
    }
  }
}

// False when no more comes this way.
net::Task<bool> Tunnel::fill(Way& way, Way& other) {
  way.buffer.clear();
  way.buffer.reserve(Exchange::kFirst);
  net::ReadResult got = way.from.try_read(way.buffer.writable());
  if (got.status == net::IoStatus::would_block) {
    got = co_await way.from.read(way.buffer.writable(), patience_ends(), true);
  }
  if (cut_) co_return false;
  switch (got.status) {
    case net::IoStatus::ok:
      way.buffer.commit(got.bytes);
      moved_at_ = session_.now();
      co_return true;
    case net::IoStatus::would_block:
      co_return true;
    case net::IoStatus::deadline:
      // The other way may have moved meanwhile.
      if (session_.now() >= patience_ends()) cut();
      co_return !cut_;
    case net::IoStatus::eof:
      way.to.shutdown_send();
      half_closed_ = true;
      moved_at_ = session_.now();
      other.from.move_read_deadline(patience_ends());
      co_return false;
    case net::IoStatus::error:
      cut();
      co_return false;
  }
  co_return false;
}

// False when the other side takes no more.
net::Task<bool> Tunnel::empty(Way& way) {
  const std::size_t size = way.buffer.readable().size();
  iovec piece{const_cast<char*>(way.buffer.readable().data()), size};  // sendmsg only reads
  std::span<iovec> pieces{&piece, 1};
  net::WriteResult written = way.to.write_now(pieces);
  if (written.status == net::IoStatus::would_block) {
    written = co_await way.to.write(pieces, session_.now() + session_.route.options.tunnel_idle);
  }
  if (cut_) co_return false;
  if (written.status != net::IoStatus::ok) {
    cut();
    co_return false;
  }
  moved_at_ = session_.now();
  way.bytes += size;
  way.buffer.clear();
  co_return true;
}

TimePoint Tunnel::patience_ends() const {
  const Duration idle = session_.route.options.tunnel_idle;
  return moved_at_ + (half_closed_ ? std::min(idle, session_.options().client_gap) : idle);
}

void Tunnel::cut() {
  cut_ = true;
  up_.from.abort();
  up_.to.abort();
}

}  // namespace quoll::proxy

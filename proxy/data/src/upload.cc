#include "upload.h"

#include "gather.h"

namespace quoll::proxy {
namespace {

// A longer body is not read just to keep a connection.
constexpr std::uint64_t kMostDiscarded = 64 * 1024;

// How much longer than its least rate allows a body may take in all.
constexpr Duration kRateGrace = std::chrono::seconds(20);
// More time than this no rate gives.
constexpr std::uint64_t kMostSeconds = 1'000'000;

}  // namespace

Upload::Upload(Session& session, const CallLimit& limit)
    : session_(session),
      limit_(limit),
      body_(session.exchange.request.framing, session.exchange.request.content_length, session.options().limits),
      chunked_(session.exchange.request.framing == http::Framing::chunked),
      finished_(session.worker.worker.executor()) {
  if (chunked_) body_.keep_trailers(&trailers_);
}

bool Upload::send_bodyless(net::Stream& upstream) {
  if (!body_.done()) return false;
  replayable_ = true;
  began_at_ = sent_at_ = net::kNever;  // of this connection
  std::string& out = session_.exchange.out;
  iovec head{out.data(), out.size()};
  std::span<iovec> pieces{&head, 1};
  const net::WriteResult written = upstream.write_now(pieces);
  began_at_ = written.began_at;
  complete_ = written.status == net::IoStatus::ok;
  if (complete_) mark_sent(upstream, written.sent_at);
  out.erase(0, written.bytes);
  return complete_;
}

net::Task<bool> Upload::start(net::Stream& upstream) {
  const Exchange& x = session_.exchange;
  if (!body_.done()) {
    began_at_ = sent_at_ = net::kNever;  // of this connection
    held_ = replayable_ = x.request.expect_continue && x.in.empty() && !session_.watch.body_came();
  }
  const bool begun = co_await send_some(upstream, session_.exchange.in, true);
  if (!begun) co_return false;
  if (body_.done()) {
    complete_ = true;
    mark_sent(upstream, session_.now());
    co_return true;
  }
  upstream_ = &upstream;
  head_sent_at_ = session_.now();
  if (held_) {
    session_.watch.await_body(true);
  } else {
    start_body(upstream);
  }
  co_return true;
}

void Upload::release() {
  held_ = replayable_ = false;
  session_.watch.await_body(false);
  start_body(*upstream_);
}

void Upload::start_body(net::Stream& upstream) {
  running_ = true;
  net::spawn(session_.worker.worker.executor(), run(upstream));
}

// Writes what `from` holds of the body.
net::Task<bool> Upload::send_some(net::Stream& upstream, Buffer& from, bool with_head) {
  Gather gather;
  if (with_head) gather.add(session_.exchange.out);
  std::size_t bytes = 0;
  for (;;) {
    if (!collect(body_, from, chunked_, gather, bytes)) {
      bad_body_ = true;
      co_return false;
    }
    if (body_.done() && chunked_) gather.add_last_chunk(trailers_);
    std::span<iovec> pieces = gather.pieces();
    net::WriteResult written = upstream.write_now(pieces);
    if (began_at_ == net::kNever) began_at_ = written.began_at;
    if (written.status == net::IoStatus::would_block) {
      written = co_await upstream.write(pieces, session_.now() + session_.route.options.body_gap);
    }
    if (written.status != net::IoStatus::ok) {
      send_error_ = written.error;
      co_return false;
    }
    gather.clear();
    if (body_.done() || from.empty()) break;
  }
  session_.shared().metrics.bytes_from_clients.add(bytes, session_.worker.shard);
  co_return true;
}

net::Task<void> Upload::run(net::Stream& upstream) {
  Buffer& buffer = session_.exchange.body;
  buffer.reserve(Exchange::kBulk);
  bool broken = false;
  while (!body_.done() && !broken && !stopping_) {
    buffer.clear();
    waits_since_ = session_.now();
    const net::ReadResult got = co_await session_.client.read(buffer.writable(), patience());
    // Not what we were late ourselves.
    if (got.status == net::IoStatus::ok) waited_ += std::max(Duration::zero(), got.arrived_at - waits_since_);
    waits_since_ = net::kNever;
    if (got.status != net::IoStatus::ok) {
      client_gone_ = !stopping_;
      if (client_gone_ && got.status == net::IoStatus::deadline) client_slow_ = true;
      broken = true;
      break;
    }
    buffer.commit(got.bytes);
    broken = !co_await send_some(upstream, buffer, false);
  }
  running_ = false;
  session_.watch.look();
  complete_ = body_.done() && !broken;
  finished_.cancel();
  if (broken && (client_gone_ || bad_body_)) {
    upstream.abort();  // the call that waits for its answer wakes up
  } else {
    // A body that the upstream does not take may still have an answer: it has until the deadline to say so.
    mark_sent(upstream, session_.now());
  }
}

// Until when the client has sent its next piece.
TimePoint Upload::patience() const {
  const ProxyOptions& options = session_.options();
  const TimePoint gap_ends = waits_since_ + options.client_gap;
  if (options.min_rate == 0 || body_.received() / options.min_rate >= kMostSeconds) return gap_ends;
  const auto earned = std::chrono::milliseconds(body_.received() * 1000 / options.min_rate);
  return std::min(gap_ends, waits_since_ + (kRateGrace + earned - waited_));
}

bool Upload::blame_client(TimePoint now) {
  const bool stalled = running_ && waits_since_ != net::kNever && now - waits_since_ >= kClientStall &&
                       session_.client.peek() == net::Stream::Peek::quiet;  // else it is we who are late
  if (stalled) client_slow_ = true;
  return stalled;
}

void Upload::mark_sent(net::Stream& upstream, TimePoint at) {
  sent_at_ = at;
  upstream.move_read_deadline(limit_.after(at));
}

net::Task<void> Upload::finish() {
  if (!running_) co_return;
  stopping_ = true;
  upstream_->abort();
  session_.client.move_read_deadline(session_.now());
  while (running_) {
    finished_.expires_at(std::chrono::steady_clock::time_point::max());
    co_await finished_.async_wait(net::kAwait);
  }
}

bool discardable(const Session& s, const http::BodyReader& body) {
  return body.done() || (!s.exchange.request.expect_continue && body.remaining() <= kMostDiscarded);
}

net::Task<bool> discard_body(Session& s, http::BodyReader& body) {
  Exchange& x = s.exchange;
  const TimePoint deadline = s.now() + std::chrono::seconds(1);
  const std::uint64_t before = body.received();
  Buffer* from = x.body.empty() ? &x.in : &x.body;
  while (!body.done()) {
    while (!from->empty() && !body.done()) {
      const auto piece = body.next(from->readable());
      if (!piece) co_return false;
      from->consume(piece->consumed);
    }
    if (body.done()) break;
    if (body.received() - before > kMostDiscarded || body.remaining() > kMostDiscarded) co_return false;
    from = &x.body;
    from->clear();
    from->reserve(Exchange::kFirst);
    const net::ReadResult got = co_await s.client.read(from->writable(), deadline);
    if (got.status != net::IoStatus::ok) co_return false;
    from->commit(got.bytes);
  }
  co_return true;
}

}  // namespace quoll::proxy

#include "relay.h"

#include <array>
#include <cstring>

#include "quoll/http/write.h"
#include "quoll/net/local_error.h"

namespace quoll::proxy {
namespace {

// A longer body is not read just to keep a connection.
constexpr std::uint64_t kMostDiscarded = 64 * 1024;

// Pieces for one sendmsg: a head, runs of a body, chunk framing. The views stay valid until they are written.
class Gather {
 public:
  static constexpr std::size_t kRuns = 8;
  // A shorter run is moved up to the one before it: a system call for every 8 chunks of one byte would let a peer buy
  // a hundred times the CPU time for its bytes.
  static constexpr std::size_t kTiny = 512;

  void add(std::string_view bytes) {
    if (!bytes.empty()) pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  }
  // All runs between two calls of clear() are of one buffer, in its order.
  void add_run(std::span<const char> data, bool chunked) {
    if (data.empty()) return;
    if (runs_ > 0 && data.size() <= kTiny) return extend_run(data, chunked);
    if (chunked) add(http::format_chunk_header(headers_[runs_], data.size()));
    run_ = count_;
    add({data.data(), data.size()});
    if (chunked) add(http::kChunkEnd);
    ++runs_;
  }
  bool full() const { return runs_ == kRuns; }
  std::span<iovec> pieces() { return {pieces_.data(), count_}; }
  void clear() { count_ = runs_ = 0; }

 private:
  // Over the framing between the two, which has been consumed.
  void extend_run(std::span<const char> data, bool chunked) {
    iovec& run = pieces_[run_];
    std::memmove(static_cast<char*>(run.iov_base) + run.iov_len, data.data(), data.size());
    run.iov_len += data.size();
    if (!chunked) return;
    const std::string_view header = http::format_chunk_header(headers_[runs_ - 1], run.iov_len);
    pieces_[run_ - 1] = {const_cast<char*>(header.data()), header.size()};
  }

  std::array<iovec, 3 * kRuns + 2> pieces_;
  std::array<std::array<char, http::kChunkHeaderBytes>, kRuns> headers_;
  std::size_t count_ = 0;
  std::size_t runs_ = 0;
  std::size_t run_ = 0;  // the last run's place in pieces_
};

// Moves runs of a body from a buffer into the gather until either is used up. False when the body is malformed.
bool collect(http::BodyReader& body, Buffer& from, bool chunked, Gather& gather, std::size_t& bytes) {
  while (!body.done() && !from.empty() && !gather.full()) {
    const auto piece = body.next(from.readable());
    if (!piece) return false;
    gather.add_run(piece->data, chunked);
    bytes += piece->data.size();
    from.consume(piece->consumed);
  }
  return true;
}

// A stream of events is as long as its client stays, and quiet when nothing happens: no gap in it is a failure.
bool event_stream(const http::ResponseHead& head) {
  constexpr std::string_view kType = "text/event-stream";
  for (const http::Field& field : head.fields) {
    if (!http::iequals(field.name, "content-type")) continue;
    const std::string_view type = field.value.substr(0, kType.size());
    const std::string_view rest = field.value.substr(type.size());
    return http::iequals(type, kType) && (rest.empty() || rest.front() == ';' || rest.front() == ' ');
  }
  return false;
}

}  // namespace

net::Task<RelayEnd> relay_response(Session& s, net::StampedSocket& upstream, http::BodyReader& body, bool chunked,
                                   const std::function<void()>& on_complete) {
  Exchange& x = s.exchange;
  Gather gather;
  gather.add(x.out);
  std::size_t bytes = 0;
  bool ended = false;
  Duration held_up{};  // by the client, since the upstream's socket was last seen empty
  const bool endless = event_stream(x.response);
  if (endless) upstream.keep_alive();
  s.watch.answer_begins();
  for (;;) {
    if (!collect(body, x.up, chunked, gather, bytes)) co_return RelayEnd::upstream_broken;
    if (body.done() && !ended) {
      ended = true;
      if (chunked) gather.add(http::kLastChunk);
      on_complete();
    }
    std::span<iovec> pieces = gather.pieces();
    net::WriteResult written = s.client.write_now(pieces);
    if (written.status == net::IoStatus::would_block) {
      const TimePoint blocked_at = steady_now();
      written = co_await s.client.write(pieces, blocked_at + s.options().client_gap);
      held_up += steady_now() - blocked_at;
    }
    if (written.status != net::IoStatus::ok) co_return RelayEnd::client_gone;
    gather.clear();
    if (ended) break;
    if (!x.up.empty()) continue;

    x.up.clear();
    x.up.reserve(Exchange::kBulk);
    net::ReadResult got = upstream.try_read(x.up.writable());
    if (got.status == net::IoStatus::would_block) {
      held_up = {};
      // The gap counts from here, where the socket has been emptied: the peer had all of it to send in.
      const TimePoint patience = endless ? net::kNever : steady_now() + s.route.options.body_gap;
      got = co_await upstream.read(x.up.writable(), patience, true);
    }
    if (s.watch.gone()) co_return RelayEnd::client_gone;
    if (got.status == net::IoStatus::deadline) co_return RelayEnd::upstream_silent;
    if (net::local_lack(got.error) != net::LocalLack::nothing) co_return RelayEnd::local_lack;
    const bool early_end = got.status == net::IoStatus::eof && !body.finish_at_close();
    if (got.status == net::IoStatus::error || early_end) {
      co_return held_up >= kClientStall ? RelayEnd::client_slow : RelayEnd::upstream_broken;
    }
    x.up.commit(got.bytes);
  }
  s.shared().metrics.bytes_to_clients.add(bytes, s.worker.shard);
  co_return RelayEnd::done;
}

Upload::Upload(Session& session, const CallLimit& limit)
    : session_(session),
      limit_(limit),
      body_(session.exchange.request.framing, session.exchange.request.content_length, session.options().limits),
      chunked_(session.exchange.request.framing == http::Framing::chunked),
      finished_(session.worker.worker.executor()) {}

bool Upload::send_bodyless(net::StampedSocket& upstream) {
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

net::Task<bool> Upload::start(net::StampedSocket& upstream) {
  const bool begun = co_await send_some(upstream, session_.exchange.in, true);
  if (!begun) co_return false;
  if (body_.done()) {
    complete_ = true;
    mark_sent(upstream, steady_now());
    co_return true;
  }
  running_ = true;
  upstream_ = &upstream;
  net::spawn(session_.worker.worker.executor(), run(upstream));
  co_return true;
}

// Writes what `from` holds of the body.
net::Task<bool> Upload::send_some(net::StampedSocket& upstream, Buffer& from, bool with_head) {
  Gather gather;
  if (with_head) gather.add(session_.exchange.out);
  std::size_t bytes = 0;
  for (;;) {
    if (!collect(body_, from, chunked_, gather, bytes)) {
      bad_body_ = true;
      co_return false;
    }
    if (body_.done() && chunked_) gather.add(http::kLastChunk);
    std::span<iovec> pieces = gather.pieces();
    net::WriteResult written = upstream.write_now(pieces);
    if (began_at_ == net::kNever) began_at_ = written.began_at;
    if (written.status == net::IoStatus::would_block) {
      written = co_await upstream.write(pieces, steady_now() + session_.route.options.body_gap);
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

net::Task<void> Upload::run(net::StampedSocket& upstream) {
  Buffer& buffer = session_.exchange.body;
  buffer.reserve(Exchange::kBulk);
  bool broken = false;
  while (!body_.done() && !broken && !stopping_) {
    buffer.clear();
    waits_since_ = steady_now();
    const net::ReadResult got =
        co_await session_.client.read(buffer.writable(), waits_since_ + session_.options().client_gap);
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
    upstream.abort();  // whoever waits for its answer wakes up
  } else {
    // A body that the upstream does not take may still have an answer: it has until the deadline to say so.
    mark_sent(upstream, steady_now());
  }
}

bool Upload::blame_client(TimePoint now) {
  const bool stalled = running_ && waits_since_ != net::kNever && now - waits_since_ >= kClientStall &&
                       session_.client.peek() == net::StampedSocket::Peek::quiet;  // else it is we who are late
  if (stalled) client_slow_ = true;
  return stalled;
}

void Upload::mark_sent(net::StampedSocket& upstream, TimePoint at) {
  sent_at_ = at;
  upstream.move_read_deadline(limit_.after(at));
}

net::Task<void> Upload::finish() {
  if (!running_) co_return;
  stopping_ = true;
  upstream_->abort();
  session_.client.move_read_deadline(steady_now());
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
  const TimePoint deadline = steady_now() + std::chrono::seconds(1);
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

// The life of one request on its connection: read, decide, wait, answer.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "impl.h"
#include "quoll/http/write.h"

namespace quoll::lab::backend {

namespace {

// One connection's share of a turn of the loop, so that a large body does not delay the answers of others.
constexpr int kReadsATurn = 16;
constexpr std::size_t kBytesATurn = 1U << 20U;
constexpr std::size_t kTruthPiece = 64U << 10U;
constexpr std::size_t kMaxIdBytes = 128;

const std::array<char, 256U << 10U> kZeros{};

constexpr std::string_view kGarbage = "HTTQ/7.7 \x01\x02 two hundred\r\nno colon here\r\n\x7f\x00\r\n";

// Ids go into JSON and fields as they are.
bool plain_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

void Server::Impl::drive(Connection& c) {
  int reads = kReadsATurn;
  for (;;) {
    switch (c.state) {
      case Connection::State::reading_head:
      case Connection::State::reading_body:
        if (!read_input(c, reads)) return;
        break;
      case Connection::State::writing:
        if (!flush(c)) return;
        break;
      case Connection::State::waiting:
      case Connection::State::hanging:
        if (c.peer_closed) client_left(c);
        return;
      case Connection::State::lingering:
        if (!discard(c, reads)) return;
        break;
    }
    if (!c.fd) return;
  }
}

bool Server::Impl::read_input(Connection& c, int& budget) {
  if (c.in_ready) {
    // A request that was sent before the previous one was answered.
    c.in_ready = false;
    const std::string bytes = std::move(c.in);
    c.in = std::string(feed(c, bytes));
    return c.fd.get() >= 0;
  }
  if (!c.readable) return false;
  if (budget-- == 0) {
    queue(c);
    return false;
  }
  const net::ReadResult got = net::stamped_read(c.fd.get(), buffer, stamps, c.last_arrival);
  if (got.status == net::IoStatus::would_block) {
    c.readable = false;
    return false;
  }
  if (got.status != net::IoStatus::ok) {
    client_left(c);
    return false;
  }
  // A short read has emptied the socket; the next arrival is a new edge. After a FIN there is none.
  if (got.bytes < buffer.size() && !c.peer_closed) c.readable = false;
  c.last_arrival = got.arrived_at;
  c.active_at = steady_now();
  const std::string_view bytes(buffer.data(), got.bytes);
  if (c.in.empty()) {
    c.in = feed(c, bytes);
  } else {
    c.in.append(bytes);
    const std::size_t left = feed(c, c.in).size();
    c.in.erase(0, c.in.size() - left);
  }
  return c.fd.get() >= 0;
}

// Uses bytes up until a request is whole or they run out; returns those left.
std::string_view Server::Impl::feed(Connection& c, std::string_view bytes) {
  if (c.state == Connection::State::reading_head) {
    if (bytes.empty()) return bytes;
    const http::ParseResult parsed = http::parse_request(bytes, limits, c.scan, head);
    if (parsed.bad()) {
      malformed(c, parsed.answer, parsed.message);
      return {};
    }
    if (!parsed.complete()) return bytes;
    begin_request(c);
    bytes.remove_prefix(parsed.consumed);
    c.scan = {};
    c.body = http::BodyReader(head.framing, head.content_length, limits);
    c.state = Connection::State::reading_body;
    if (head.expect_continue && !c.body.done() && bytes.empty()) {
      ::send(c.fd.get(), http::kContinue.data(), http::kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }
  while (!c.body.done()) {
    if (bytes.empty()) return bytes;
    const auto piece = c.body.next({bytes.data(), bytes.size()});
    if (!piece) {
      malformed(c, piece.error().code == "body_too_large" ? 413 : 400, piece.error().message);
      return {};
    }
    c.request.body_bytes += piece->data.size();
    if (c.request.route == Route::control && c.request.body_bytes <= kMaxControlBytes) {
      c.request.body.append(piece->data.data(), piece->data.size());
    }
    bytes.remove_prefix(piece->consumed);
  }
  received(c);
  return bytes;
}

void Server::Impl::begin_request(Connection& c) {
  c.request = Request{};
  Request& request = c.request;
  request.method = head.method;
  request.head_only = head.method == "HEAD";
  request.keep_alive = head.keep_alive;
  request.chunks_allowed = head.minor_version == 1;
  route(c, head.path);
  const auto id = head.fields.find("x-request-id");
  if (id && plain_id(*id)) {
    request.id = *id;
  } else if (!request.always_answered) {
    request.id = "b" + std::to_string(++generated_ids);
  }
}

void Server::Impl::malformed(Connection& c, unsigned status, std::string_view message) {
  metrics.malformed(status);
  c.request = Request{};
  c.request.always_answered = true;
  c.request.keep_alive = false;
  c.peer_closed = false;  // it gets its answer even if it has sent its last byte
  Answer answer;
  answer.status = status;
  answer.type = "text/plain; charset=utf-8";
  answer.text = std::string(message) + "\n";
  start_answer(c, std::move(answer));
}

void Server::Impl::received(Connection& c) {
  Request& request = c.request;
  request.received = c.last_arrival;
  if (request.always_answered) {
    start_answer(c, always_answer(c));
    return;
  }
  request.mode = behaviour.mode;
  request.plan = make_plan(behaviour, in_progress, rng);
  request.counted = true;
  ++in_progress;
  request.record = truth.add({.id = request.id,
                              .received = request.received,
                              .planned = request.plan.delay,
                              .status = request.plan.status,
                              .mode = request.mode});
  if (request.plan.action == Plan::Action::hang) {
    c.state = Connection::State::hanging;
  } else if (request.plan.action == Plan::Action::reset) {
    finish(c, End::reset, std::nullopt, std::nullopt);
  } else if (request.plan.delay <= Duration::zero()) {
    due(c);
  } else {
    wait_until(c, request.received + request.plan.delay);
  }
}

void Server::Impl::wait_until(Connection& c, TimePoint due_at) {
  c.state = Connection::State::waiting;
  c.due = due_at;
  timers.push({due_at, tag_of(c)});
}

// The wait is over: the answer starts, or its next byte drips.
void Server::Impl::due(Connection& c) {
  if (c.dripping) {
    if (c.text_at < c.answer.text.size()) {
      c.out.push_back(c.answer.text[c.text_at++]);
    } else if (c.answer.zeros > 0) {
      --c.answer.zeros;
      c.out.push_back('\0');
    }
    c.state = Connection::State::writing;
    return;
  }
  if (c.request.plan.action == Plan::Action::garbage) {
    c.out.assign(kGarbage);
    c.out_at = 0;
    c.answer = Answer{};
    c.close_after = true;
    c.state = Connection::State::writing;
    return;
  }
  start_answer(c, governed_answer(c));
}

void Server::Impl::start_answer(Connection& c, Answer answer) {
  Request& request = c.request;
  c.answer = std::move(answer);
  c.out.clear();
  c.out_at = 0;
  c.text_at = 0;
  c.cut = 0;
  c.dripping = false;
  c.close_after = !request.keep_alive || stopping || (refusing && !c.on_control_port);

  auto framing = http::Framing::length;
  if (c.answer.truth) framing = request.chunks_allowed ? http::Framing::chunked : http::Framing::until_close;
  if (framing == http::Framing::until_close) c.close_after = true;
  http::append_status_line(c.out, c.answer.status);
  http::append_field(c.out, "Content-Type", c.answer.type);
  c.out += c.answer.fields;
  http::append_framing(c.out, framing, c.answer.length());
  if (c.close_after && framing != http::Framing::until_close) http::append_field(c.out, "Connection", "close");
  if (!c.close_after && !request.chunks_allowed) http::append_field(c.out, "Connection", "keep-alive");
  http::append_head_end(c.out);

  if (request.head_only) {
    c.answer.text.clear();
    c.answer.zeros = 0;
    c.answer.truth = false;
  }
  if (request.counted && request.plan.action == Plan::Action::truncate) {
    c.cut = (c.answer.length() + 1) / 2;
    c.answer.text.resize(c.answer.text.size() / 2);
    c.answer.zeros /= 2;
    c.close_after = true;
  }
  c.dripping = request.counted && request.plan.action == Plan::Action::drip;
  if (!c.dripping) {
    c.out += c.answer.text;
    c.text_at = c.answer.text.size();
  }
  c.state = Connection::State::writing;
}

// Sends until the answer is complete, the socket is full, or the turn is over. True when the state has moved on.
bool Server::Impl::flush(Connection& c) {
  std::size_t sent_now = 0;
  for (;;) {
    const bool from_out = c.out_at < c.out.size();
    const char* data = from_out ? c.out.data() + c.out_at : kZeros.data();
    std::size_t size = c.out.size() - c.out_at;
    if (!from_out && !c.dripping) size = std::min<std::uint64_t>(c.answer.zeros, kZeros.size());
    const TimePoint sending = steady_now();
    if (size > 0) {
      const ssize_t sent = ::send(c.fd.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;  // the next edge brings us back
      if (sent < 0) {
        client_left(c);
        return false;
      }
      const auto count = static_cast<std::size_t>(sent);
      sent_now += count;
      c.active_at = sending;
      if (from_out) {
        c.out_at += count;
      } else {
        c.answer.zeros -= count;
      }
    }
    if (c.out_at < c.out.size()) continue;
    c.out.clear();
    c.out_at = 0;
    const bool body_left = c.text_at < c.answer.text.size() || c.answer.zeros > 0;
    if (c.dripping && body_left) {
      wait_until(c, steady_now() + behaviour.drip);
      return true;
    }
    if (!body_left && !refill(c)) {
      const TimePoint now = steady_now();
      const bool truncated = c.cut > 0;
      finish(c, truncated ? End::truncated : End::answered, truncated ? std::nullopt : std::optional(sending),
             truncated ? std::nullopt : std::optional(now));
      return c.fd.get() >= 0;
    }
    if (sent_now >= kBytesATurn) {
      queue(c);
      return false;
    }
  }
}

// The next piece of an answer that is made while it is sent. False when there is none.
bool Server::Impl::refill(Connection& c) {
  if (!c.answer.truth) return false;
  std::string piece;
  piece.reserve(kTruthPiece + 512);
  c.answer.truth_next = std::max(c.answer.truth_next, truth.first());
  while (c.answer.truth_next < c.answer.truth_end && piece.size() < kTruthPiece) {
    truth.append_json(c.answer.truth_next++, piece);
  }
  const bool chunked = c.request.chunks_allowed;
  if (!piece.empty()) {
    std::array<char, http::kChunkHeaderBytes> buffer_for_size{};
    if (chunked) c.out += http::format_chunk_header(buffer_for_size, piece.size());
    c.out += piece;
    if (chunked) c.out += http::kChunkEnd;
    return true;
  }
  c.answer.truth = false;
  if (chunked) c.out += http::kLastChunk;
  return chunked;
}

// The exchange is over, well or not; the connection goes on to the next one or closes.
void Server::Impl::finish(Connection& c, End end, std::optional<TimePoint> sending, std::optional<TimePoint> answered) {
  Request& request = c.request;
  if (request.counted) {
    request.counted = false;
    --in_progress;
    if (TruthRecord* record = truth.find(request.record)) {
      record->sending = sending;
      record->answered = answered;
      record->end = end;
    }
    const TimePoint now = answered.value_or(steady_now());
    metrics.request(request.mode, end == End::answered ? request.plan.status : 0, now - request.received);
  }
  c.dripping = false;
  c.active_at = steady_now();
  if (end == End::reset || end == End::client_left || end == End::stopped) {
    close(c, end == End::reset);
    return;
  }
  if (!c.close_after) {
    c.state = Connection::State::reading_head;
    c.in_ready = !c.in.empty();
    return;
  }
  // Closing with unread bytes in the socket would reset the connection and take our last bytes away from the peer.
  ::shutdown(c.fd.get(), SHUT_WR);
  c.in.clear();
  c.state = Connection::State::lingering;
}

bool Server::Impl::discard(Connection& c, int& budget) {
  if (!c.readable) return false;
  if (budget-- == 0) {
    queue(c);
    return false;
  }
  const net::ReadResult got = net::stamped_read(c.fd.get(), buffer, stamps, c.last_arrival);
  if (got.status == net::IoStatus::ok) return true;
  c.readable = false;
  if (got.status != net::IoStatus::would_block) close(c, false);
  return false;
}

void Server::Impl::client_left(Connection& c) {
  finish(c, End::client_left, std::nullopt, std::nullopt);
}

}  // namespace quoll::lab::backend

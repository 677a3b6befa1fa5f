// Worker's sockets: open, send, receive, close.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "worker.h"

namespace quoll::lab::loadgen {

namespace {

std::string reason(const std::string& what, int error) {
  return what + ": " + std::generic_category().message(error);
}

}  // namespace

void Worker::open_socket(std::uint32_t index, TimePoint now) {
  Connection& one = connections_[index];
  one.fd.reset(socket(plan_.address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!one.fd.get()) {
    fail(index, ErrorKind::connect, reason("socket", errno), now);
    return;
  }
  const int on = 1;
  setsockopt(one.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  one.state = Connection::State::connecting;
  one.reset_seen = false;
  one.answered = false;
  const int status =
      connect(one.fd.get(), reinterpret_cast<const sockaddr*>(&plan_.address.storage), plan_.address.length);
  if (status != 0 && errno != EINPROGRESS) {
    fail(index, ErrorKind::connect, reason("connect to " + to_string(plan_.address), errno), now);
    return;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = index | (static_cast<std::uint64_t>(one.generation) << 32U);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, one.fd.get(), &event) != 0) {
    fail(index, ErrorKind::connect, reason("epoll_ctl", errno), now);
  }
}

void Worker::on_event(std::uint32_t index, std::uint32_t events) {
  Connection& one = connections_[index];
  if (one.state == Connection::State::connecting) {
    const std::uint32_t generation = one.generation;
    on_connected(index);
    if (one.generation != generation) return;
  } else if (one.state == Connection::State::busy && (events & EPOLLOUT) != 0) {
    send_request(index);
  }
  constexpr std::uint32_t kClosed = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & (EPOLLIN | kClosed)) != 0) receive(index, (events & kClosed) != 0);
}

void Worker::on_connected(std::uint32_t index) {
  Connection& one = connections_[index];
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(one.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    fail(index, ErrorKind::connect, reason("connect to " + to_string(plan_.address), error), steady_now());
    return;
  }
  one.state = Connection::State::busy;
  one.serial = sockets_opened_++ * plan_.options.threads + index_ + 1;
  ++stats_for(one.request.intended).connections_opened;
  send_request(index);
}

void Worker::send_request(std::uint32_t index) {
  Connection& one = connections_[index];
  const std::string_view head = plan_.request.head(one.request.number, scratch_);
  const std::string_view body = plan_.request.body();
  const std::size_t total = head.size() + body.size();
  if (one.sent_bytes == total) return;  // the socket can be written to again, and there is nothing left to write
  while (one.sent_bytes < total && !one.reset_seen) {
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    std::size_t skip = one.sent_bytes;
    for (const std::string_view part : {head, body}) {
      if (skip < part.size()) {
        // sendmsg reads only; its interface is older than const.
        parts[count++] = {const_cast<char*>(part.data()) + skip, part.size() - skip};
        skip = 0;
      } else {
        skip -= part.size();
      }
    }
    ssize_t n = 0;
    if (count == 1) {
      n = send(one.fd.get(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = count;
      n = sendmsg(one.fd.get(), &message, MSG_NOSIGNAL);
    }
    if (n >= 0) {
      one.sent_bytes += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      return;  // EPOLLOUT will come
    } else if (errno != EINTR) {
      // An answer may have come before the peer went away; reading finds it, or the end.
      one.reset_seen = true;
    }
  }
  if (!plan_.options.request_log.empty()) one.request.sent = steady_now();
}

void Worker::receive(std::uint32_t index, bool peer_closed) {
  Connection& one = connections_[index];
  const std::uint32_t generation = one.generation;
  while (one.generation == generation && one.fd) {
    const ssize_t n = recv(one.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (n > 0) {
      consume(index, {buffer_.data(), static_cast<std::size_t>(n)}, peer_closed);
      // A short read has emptied the socket; more bytes, or the end, will be a new event.
      if (static_cast<std::size_t>(n) < buffer_.size() && !peer_closed) return;
    } else if (n == 0) {
      on_close(index);
      return;
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      one.reset_seen = true;
      on_close(index);
      return;
    }
  }
}

void Worker::consume(std::uint32_t index, std::span<const char> bytes, bool peer_closed) {
  Connection& one = connections_[index];
  if (one.state != Connection::State::busy) {
    drop_free(index);  // bytes that answer no request
    return;
  }
  const TimePoint now = steady_now();
  if (one.request.first_byte == TimePoint{}) one.request.first_byte = now;
  stats_for(one.request.intended).bytes_received += bytes.size();
  std::size_t used = 0;
  switch (one.reader.feed(bytes, plan_.request.method(), head_, used)) {
    case ResponseReader::Step::more:
      return;
    case ResponseReader::Step::bad:
      fail(index, ErrorKind::protocol, one.reader.complaint(), now);
      return;
    case ResponseReader::Step::complete:
      break;
  }
  const bool sent_all =
      one.sent_bytes == plan_.request.head(one.request.number, scratch_).size() + plan_.request.body().size();
  complete(index, now,
           plan_.options.keep_alive && one.reader.keep_alive() && used == bytes.size() && sent_all && !peer_closed);
}

void Worker::on_close(std::uint32_t index) {
  Connection& one = connections_[index];
  if (one.state != Connection::State::busy) {
    drop_free(index);
    return;
  }
  const TimePoint now = steady_now();
  if (!one.reset_seen && one.reader.complete_at_close()) {
    complete(index, now, false);
    return;
  }
  const bool begun = one.request.first_byte != TimePoint{};
  if (one.reset_seen) {
    fail(index, ErrorKind::reset, begun ? "reset in the middle of an answer" : "reset before any answer", now);
  } else {
    fail(index, ErrorKind::closed, begun ? "closed in the middle of an answer" : "closed before any answer", now);
  }
}

void Worker::drop_free(std::uint32_t index) {
  Connection& one = connections_[index];
  if (one.slot != kNone) {
    leave_free(index);
    close_socket(one);
    put_free(index);
  } else {
    close_socket(one);
  }
}

void Worker::complete(std::uint32_t index, TimePoint now, bool reuse) {
  Connection& one = connections_[index];
  one.answered = true;
  count_answer(one, now);
  in_flight_.remove(index);
  if (reuse) {
    one.state = Connection::State::ready;
  } else {
    close_socket(one);
  }
  next_request(index, now, false);
}

void Worker::fail(std::uint32_t index, ErrorKind kind, std::string_view detail, TimePoint now) {
  Connection& one = connections_[index];
  count_error({one.request.intended, one.request.number}, &one, kind, detail, now);
  in_flight_.remove(index);
  const bool pause = kind == ErrorKind::connect || (kind != ErrorKind::timeout && !one.answered);
  close_socket(one);
  next_request(index, now, pause);
}

void Worker::close_socket(Connection& one) {
  one.fd.reset();
  ++one.generation;
  one.serial = 0;
  one.answered = false;
  one.state = Connection::State::closed;
}

}  // namespace quoll::lab::loadgen

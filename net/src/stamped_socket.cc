#include "quoll/net/stamped_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <tuple>

#include "quoll/base/assert.h"
#include "quoll/net/send_time.h"

namespace quoll::net {
namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

// Drops `written` bytes from the front of the pieces.
std::span<iovec> drop_front(std::span<iovec> pieces, std::size_t written) {
  while (!pieces.empty() && written >= pieces.front().iov_len) {
    written -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (written > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + written;
    pieces.front().iov_len -= written;
  }
  return pieces;
}

}  // namespace

ReadResult StampedSocket::try_read(std::span<char> into) {
  const ReadResult out = stamped_read(native_handle(), into, loop().stamps, earliest_arrival(), &drained_);
  if (out.status == IoStatus::ok) {
    (out.stamped ? loop().counters.stamped_reads : loop().counters.unstamped_reads).add();
  }
  return out;
}

WriteResult StampedSocket::write_now(std::span<iovec>& pieces) {
  WriteResult out;
  pieces = drop_front(pieces, 0);
  while (!pieces.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const TimePoint before = loop().now();
    const ssize_t n = ::sendmsg(native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (out.bytes == 0) out.began_at = before;
    if (n < 0) {
      out.status = would_block(errno) ? IoStatus::would_block : IoStatus::error;
      out.error = errno;
      break;
    }
    out.sent_at = send_time(native_handle(), before, loop().now());
    out.bytes += static_cast<std::size_t>(n);
    pieces = drop_front(pieces, static_cast<std::size_t>(n));
  }
  return out;
}

// A wake-up meant for the other direction is not passed on.
Task<bool> StampedSocket::wait(Direction what, Deadline& deadline) {
  for (;;) {
    if (!is_open()) co_return true;  // the next call on it will say so
    loop().deadlines.set(deadline, deadline.at());
    boost::system::error_code error;
    if (what == Direction::write) {
      std::tie(error) = co_await socket().async_wait(TcpSocket::wait_write, kAwait);
    } else {
      if (edge_.take_missed()) drained_ = false;
      if (drained_ || peek() == Peek::quiet) std::tie(error) = co_await edge_.wait(kAwait);
    }
    deadline.clear();
    if (!error) co_return true;
    if (error != asio::error::operation_aborted || !is_open()) co_return true;
    if (deadline.at() != kNever && loop().now() >= deadline.at()) co_return false;
  }
}

void StampedSocket::interrupt(Direction what) {
  if (what == Direction::read) return edge_.interrupt();
  boost::system::error_code ignored;
  socket().cancel(ignored);
}

StampedSocket::Peek StampedSocket::peek() {
  char byte;
  ssize_t n;
  do {
    n = ::recv(native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return Peek::readable;
  drained_ = n < 0 && would_block(errno);
  return drained_ ? Peek::quiet : Peek::closed;
}

StampedSocket::Peer StampedSocket::peer_state() {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (!is_open() || ::getsockopt(native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return Peer::gone;
  switch (info.tcpi_state) {
    case TCP_CLOSE:
      return Peer::gone;
    case TCP_CLOSE_WAIT:
    case TCP_LAST_ACK:
    case TCP_CLOSING:
      return Peer::finished;
    default:
      return Peer::connected;
  }
}

void StampedSocket::keep_alive() {
  const auto set = [fd = native_handle()](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
}

void StampedSocket::shutdown_send() {
  boost::system::error_code ignored;
  socket().shutdown(TcpSocket::shutdown_send, ignored);
}

void StampedSocket::close() {
  boost::system::error_code ignored;
  socket().close(ignored);
}

void StampedSocket::abort() {
  if (!is_open()) return;
  const linger hard{1, 0};
  ::setsockopt(native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

}  // namespace quoll::net

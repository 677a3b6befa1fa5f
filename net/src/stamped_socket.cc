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

StampedSocket::StampedSocket(Loop& loop, TcpSocket socket) : loop_(loop), edge_(std::move(socket)) {}

ReadResult StampedSocket::try_read(std::span<char> into) {
  const ReadResult out = stamped_read(native_handle(), into, loop_.stamps, earliest_, &drained_);
  if (out.status == IoStatus::ok) {
    (out.stamped ? loop_.counters.stamped_reads : loop_.counters.unstamped_reads).add();
  }
  return out;
}

Task<ReadResult> StampedSocket::read(std::span<char> into, TimePoint deadline, bool wait_first) {
  bool passed = false;
  if (wait_first) passed = !co_await wait_readable(deadline);
  for (;;) {
    if (wait_first) deadline = read_deadline_.at();  // it may have been moved
    if (policy_ == DeadlinePolicy::timer_wins && (passed || steady_now() >= deadline)) {
      co_return ReadResult{IoStatus::deadline, false, 0, 0, {}, steady_now()};
    }
    const ReadResult result = try_read(into);
    if (result.status != IoStatus::would_block) co_return result;
    // The socket was empty after the deadline had passed: only now is it a timeout.
    if (passed) co_return ReadResult{IoStatus::deadline, false, 0, 0, {}, steady_now()};
    passed = !co_await wait_readable(deadline);
    wait_first = true;
  }
}

Task<bool> StampedSocket::wait_readable(TimePoint deadline) {
  read_deadline_.prepare(deadline);
  return wait(TcpSocket::wait_read, read_deadline_);
}

void StampedSocket::move_read_deadline(TimePoint deadline) {
  if (edge_.reader_waits()) loop_.deadlines.set(read_deadline_, deadline);
}

Task<bool> StampedSocket::wait_writable(TimePoint deadline) {
  write_deadline_.prepare(deadline);
  return wait(TcpSocket::wait_write, write_deadline_);
}

WriteResult StampedSocket::write_now(std::span<iovec>& pieces) {
  WriteResult out;
  pieces = drop_front(pieces, 0);
  while (!pieces.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const TimePoint before = steady_now();
    const ssize_t n = ::sendmsg(native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (out.bytes == 0) out.began_at = before;
    if (n < 0) {
      out.status = would_block(errno) ? IoStatus::would_block : IoStatus::error;
      out.error = errno;
      break;
    }
    out.sent_at = send_time(native_handle(), before, steady_now());
    out.bytes += static_cast<std::size_t>(n);
    pieces = drop_front(pieces, static_cast<std::size_t>(n));
  }
  return out;
}

Task<WriteResult> StampedSocket::write(std::span<iovec> pieces, TimePoint deadline) {
  std::size_t total = 0;
  bool passed = false;
  for (;;) {
    WriteResult result = write_now(pieces);
    result.bytes = total += result.bytes;
    if (result.status != IoStatus::would_block) co_return result;
    if (passed) {
      result.status = IoStatus::deadline;
      result.error = 0;
      co_return result;
    }
    // Once it has passed, one more look, and what that look can write does not buy more time.
    passed = steady_now() >= deadline || !co_await wait_writable(deadline);
  }
}

// Waits for readiness or the deadline, which may be moved meanwhile. A wake-up meant for the other direction is not
// passed on.
Task<bool> StampedSocket::wait(TcpSocket::wait_type what, Deadline& deadline) {
  for (;;) {
    if (!is_open()) co_return true;  // the next call on it will say so
    loop_.deadlines.set(deadline, deadline.at());
    boost::system::error_code error;
    if (what == TcpSocket::wait_write) {
      std::tie(error) = co_await socket().async_wait(what, kAwait);
    } else {
      if (edge_.take_missed()) drained_ = false;
      if (drained_ || peek() == Peek::quiet) std::tie(error) = co_await edge_.wait(kAwait);
    }
    deadline.clear();
    if (!error) co_return true;
    if (error != asio::error::operation_aborted || !is_open()) co_return true;
    if (deadline.at() != kNever && steady_now() >= deadline.at()) co_return false;
  }
}

void StampedSocket::wake_reader(void* self) {
  static_cast<StampedSocket*>(self)->edge_.interrupt();
}

void StampedSocket::wake_writer(void* self) {
  boost::system::error_code ignored;
  static_cast<StampedSocket*>(self)->socket().cancel(ignored);
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

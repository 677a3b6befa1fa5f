#include "quoll/net/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "quoll/base/fd.h"

namespace quoll::net {
namespace {

// Whether the handshake is over: 0 established, -1 still going on, else the errno it failed with.
int handshake_state(int fd) {
  pollfd p{fd, POLLOUT, 0};
  if (::poll(&p, 1, 0) == 0) return -1;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// When the peer's last acknowledgement came: on a connection that has carried nothing yet, the end of the handshake.
TimePoint established_at(int fd, TimePoint now) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return now;
  return now - std::chrono::milliseconds(info.tcpi_last_ack_recv);
}

}  // namespace

Task<ConnectResult> connect(Loop& loop, TcpEndpoint to, TimePoint deadline, DeadlinePolicy policy) {
  Fd opened(::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!opened) co_return ConnectResult{nullptr, IoStatus::error, errno, false};
  const int fd = opened.get();
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on);  // spares StampedSocket a peek before each wait
  if (loop.want_stamps) enable_stamps(fd);
  TcpSocket socket(loop.executor);
  boost::system::error_code failed;
  socket.assign(to.protocol(), fd, failed);
  if (failed) co_return ConnectResult{nullptr, IoStatus::error, failed.value(), false};
  opened.release();
  const int started = ::connect(fd, to.data(), static_cast<socklen_t>(to.size()));
  if (started != 0 && errno != EINPROGRESS) co_return ConnectResult{nullptr, IoStatus::error, errno, false};

  auto connection = std::make_unique<StampedSocket>(loop, std::move(socket));
  int state = started == 0 ? 0 : -1;
  bool passed = false;
  while (state < 0 && !passed) {
    passed = !co_await connection->wait_writable(deadline);
    state = handshake_state(fd);
  }
  if (state > 0) co_return ConnectResult{nullptr, IoStatus::error, state, false};
  const TimePoint now = loop.now();
  const bool late_look = now > deadline;
  if (state < 0 || (late_look && policy == DeadlinePolicy::timer_wins) ||
      (late_look && established_at(fd, now) > deadline)) {
    co_return ConnectResult{nullptr, IoStatus::deadline, 0, false};
  }
  connection->set_deadline_policy(policy);
  co_return ConnectResult{std::move(connection), IoStatus::ok, 0, late_look};
}

}  // namespace quoll::net

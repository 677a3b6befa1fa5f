#include "quoll/net/stamped_read.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "quoll/base/assert.h"

namespace quoll::net {
namespace {

WallTime to_wall(const timespec& stamp) {
  return WallTime(std::chrono::seconds(stamp.tv_sec) + std::chrono::nanoseconds(stamp.tv_nsec));
}

// What recvmsg tells beside the bytes.
struct Aside {
  std::optional<WallTime> stamp;
  bool nothing_left = false;  // neither bytes nor the end of the stream; false also where the kernel does not say
};

Aside read_aside(msghdr& message) {
  Aside out;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp;
      std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      out.stamp = to_wall(stamp);
    } else if (c->cmsg_level == IPPROTO_TCP && c->cmsg_type == TCP_CM_INQ) {
      int left = 0;
      std::memcpy(&left, CMSG_DATA(c), sizeof left);
      out.nothing_left = left == 0;
    }
  }
  return out;
}

}  // namespace

bool enable_stamps(int fd) {
  const int on = 1;
  return ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0;
}

ReadResult stamped_read(int fd, std::span<char> into, StampClock& clock, TimePoint earliest, bool* drained) {
  QUOLL_ASSERT(!into.empty());  // recvmsg would return 0, which reads as EOF
  ReadResult out;
  iovec piece{into.data(), into.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = ::recvmsg(fd, &message, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  const bool empty = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (drained != nullptr) *drained = empty;
  if (empty) return out;

  // The clock is read after the bytes, so that nothing between arrival and here is left out of our own delay.
  const int error = n < 0 ? errno : 0;
  const Aside aside = n > 0 ? read_aside(message) : Aside{};
  // Having returned less than it had room for would not be enough: an end of the stream may lie behind the bytes, and
  // if both came together, no edge will tell.
  if (drained != nullptr) *drained = aside.nothing_left;
  if (aside.stamp) {
    const ClockReading now = read_clocks(clock.offset());
    clock.observe(now);
    const Arrival arrival = clock.convert(*aside.stamp, earliest);
    out.read_at = now.steady;
    out.arrived_at = arrival.at;
    out.stamped = arrival.exact;
  } else {
    out.read_at = out.arrived_at = steady_now();
  }
  if (n <= 0) {
    out.status = n == 0 ? IoStatus::eof : IoStatus::error;
    out.error = error;
    return out;
  }
  out.status = IoStatus::ok;
  out.bytes = static_cast<std::size_t>(n);
  return out;
}

}  // namespace quoll::net

#include "socket_look.h"

#ifdef __linux__
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace quoll::node {

namespace {

std::uint64_t cookie_of(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

// MSG_TRUNC: TCP copies nothing. The kernel still wants the whole length to be addresses of ours, and a long one that
// begins near the top of the address space is not; so one buffer, never touched, is named as often as it takes.
constexpr std::size_t kChunk = std::size_t{1} << 20U;
constexpr std::size_t kMostChunks = 64;
char untouched[kChunk];

// How long ago the stamp of the bytes a peek of `length` covers was set; and how many bytes there are.
std::int64_t peek(int fd, std::size_t length, std::optional<Duration>& age) {
  std::array<iovec, kMostChunks> buffers;
  const std::size_t chunks = std::clamp(length / kChunk, std::size_t{1}, kMostChunks);
  std::fill_n(buffers.begin(), chunks, iovec{untouched, std::min(length, kChunk)});
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = buffers.data();
  message.msg_iovlen = chunks;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t bytes = ::recvmsg(fd, &message, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  if (bytes < 0) return -errno;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp{};
    timespec now{};
    std::memcpy(&stamp, CMSG_DATA(each), sizeof stamp);
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t passed = (now.tv_sec - stamp.tv_sec) * 1'000'000'000LL + (now.tv_nsec - stamp.tv_nsec);
    if (stamp.tv_sec != 0) age = Duration(std::max<std::int64_t>(0, passed));
  }
  return bytes;
}

bool is_tcp(int fd) {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

}  // namespace

std::uint64_t turn_stamps_on(int fd) {
  const int on = 1;
  // Only TCP: elsewhere MSG_TRUNC would copy, and UNIX sockets have no stamps.
  if (!is_tcp(fd) || ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return 0;
  return cookie_of(fd);
}

Look look(int fd, std::uint64_t cookie, bool bytes_too) {
  Look found;
  if (cookie == 0 || cookie_of(fd) != cookie) {
    found.bytes = -EBADF;
    return found;
  }
  if (bytes_too) {
    found.bytes = peek(fd, kChunk, found.newest);
    if (found.bytes == static_cast<std::int64_t>(kChunk)) found.bytes = peek(fd, kMostChunks * kChunk, found.newest);
    if (found.bytes > 0) peek(fd, 1, found.oldest);
  }
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
    constexpr std::uint8_t kEstablished = 1;
    constexpr std::uint8_t kCloseWait = 8;
    found.connected = info.tcpi_state == kEstablished || info.tcpi_state == kCloseWait;
    found.quiet = std::chrono::milliseconds(info.tcpi_last_data_recv);
    found.sent = std::chrono::milliseconds(info.tcpi_last_data_sent);
    if (size >= offsetof(tcp_info, tcpi_data_segs_in) + sizeof info.tcpi_data_segs_in) {
      found.segments = info.tcpi_data_segs_in;
    }
  }
  if (found.bytes > 0) {
    int room = 0;
    socklen_t room_size = sizeof room;
    // The kernel doubles the buffer for its own book-keeping: half of it is data.
    if (::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &room_size) == 0) found.window_shut = found.bytes >= room / 2;
  }
  return found;
}

std::optional<Duration> quiet_for(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return std::chrono::milliseconds(info.tcpi_last_data_recv);
}

Duration kernel_tick() {
  timespec resolution{};
  if (::clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0) return std::chrono::milliseconds(10);
  return std::chrono::seconds(resolution.tv_sec) + std::chrono::nanoseconds(resolution.tv_nsec);
}

void keep_stamps_warm() {
  static const int kept = [] {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    return fd;
  }();
  (void)kept;
}

}  // namespace quoll::node

#else

namespace quoll::node {

std::uint64_t turn_stamps_on(int /*fd*/) {
  return 0;
}
Look look(int /*fd*/, std::uint64_t /*cookie*/, bool /*bytes_too*/) {
  return {.bytes = -1};
}
std::optional<Duration> quiet_for(int /*fd*/) {
  return std::nullopt;
}
Duration kernel_tick() {
  return std::chrono::milliseconds(10);
}
void keep_stamps_warm() {}

}  // namespace quoll::node

#endif

// look(): what the kernel holds for a socket that belongs to libuv, without taking a byte of it.
//
// recvmsg(MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) tells how many bytes wait and when the newest arrived, by the kernel's
// stamp; a second peek of one byte tells when the oldest did. On TCP, MSG_TRUNC copies nothing. libuv never sees it.
//
// A descriptor is a number that the system gives out again. A socket is therefore known by its cookie, which the
// kernel gives out once; a look at a descriptor that has another cookie by now is refused.
//
// Linux only; elsewhere each function says so, and the caller falls back to deferral. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "quoll/base/time.h"

namespace quoll::node {

struct Look {
  // Bytes that wait; 0 also at the end of the stream. Below zero: -errno, -EAGAIN for an empty socket, -EBADF if the
  // descriptor is closed or another socket's.
  std::int64_t bytes = 0;
  // How old the bytes are; none without a stamp.
  std::optional<Duration> newest;
  std::optional<Duration> oldest;
  // Since the last bytes arrived, read or not, in the kernel's ticks (1 to 4 ms).
  std::optional<Duration> quiet;
  // Since we last sent data, in the kernel's ticks.
  std::optional<Duration> sent;
  // Segments with data that the connection has brought, in all; none if the kernel does not count them.
  std::optional<std::uint32_t> segments;
  bool connected = false;
  // As much waits as the receive buffer takes: the peer cannot send more until we read.
  bool window_shut = false;
};

// Asks for stamps from here on. The socket's cookie; 0 if it is none, or this system has no stamps.
std::uint64_t turn_stamps_on(int fd);
// With `bytes_too` false only the connection is looked at: one system call less, and nothing of the bytes.
Look look(int fd, std::uint64_t cookie, bool bytes_too);
// Since the last bytes arrived at this socket, read or not.
std::optional<Duration> quiet_for(int fd);
// How long a tick of the kernel is: what TCP_INFO counts in.
Duration kernel_tick();
// Keeps the kernel's switch for stamps on, so that the first bytes of the first socket are stamped too.
void keep_stamps_warm();

}  // namespace quoll::node

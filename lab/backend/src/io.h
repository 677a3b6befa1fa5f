// The backend's system calls: listeners and epoll with nanoseconds.
//
// Plain functions, so that the server above reads as what it does. Loop-confined.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "quoll/base/fd.h"
#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::lab::backend {

// "while listening on 127.0.0.1:3001: Address already in use", with the system's text for `number`.
Error system_error(const std::string& what, int number);

// A listener whose accepted sockets stamp what they receive, bytes that waited in the accept queue included.
// Errors: "address", "resolve", "port_in_use", "system".
Result<Fd> open_listener(const std::string& address);
std::uint16_t local_port(const Fd& listener);

// Raises the limit on descriptors as far as allowed and returns it.
std::size_t raise_descriptor_limit();

class Epoll {
 public:
  static Result<Epoll> open();
  // `tag` comes back with each event. Failures are out of memory or our own bugs.
  bool add(int fd, std::uint32_t events, std::uint64_t tag);
  void remove(int fd);
  // Waits until `until`, with nanoseconds where the kernel has epoll_pwait2.
  std::span<const epoll_event> wait(TimePoint until);

 private:
  Fd fd_;
  bool nanoseconds_ = true;
  std::array<epoll_event, 256> events_{};
};

// Makes the close of `fd` a reset.
void close_with_reset(Fd& fd);

}  // namespace quoll::lab::backend

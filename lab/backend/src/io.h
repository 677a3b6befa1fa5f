// The backend's system calls: descriptors, listeners, epoll with nanoseconds, reads with the kernel's arrival stamp.
//
// Plain functions, so that the server above reads as what it does. Loop-confined, except StopEvent::request.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/net/stamp_clock.h"

namespace quoll::lab::backend {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

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
  bool add(const Fd& fd, std::uint32_t events, std::uint64_t tag);
  void remove(const Fd& fd);
  // Waits until `until`, with nanoseconds where the kernel has epoll_pwait2.
  std::span<const epoll_event> wait(TimePoint until);

 private:
  Fd fd_;
  bool nanoseconds_ = true;
  std::array<epoll_event, 256> events_{};
};

// Wakes the loop from anywhere.
class StopEvent {
 public:
  StopEvent();
  void request() const;  // async-signal-safe
  const Fd& fd() const { return fd_; }

 private:
  Fd fd_;
};

struct Received {
  enum class Kind : std::uint8_t { data, would_block, closed, failed };
  Kind kind = Kind::failed;
  std::size_t size = 0;
  TimePoint at;  // the kernel received the last of these bytes; when it gave no stamp, now
};
// `earliest` bounds the stamp from below, so that a stepped wall clock cannot put it before what went before.
Received receive(const Fd& fd, std::span<char> into, net::StampClock& clock, TimePoint earliest);

// Makes the close of `fd` a reset.
void close_with_reset(Fd& fd);

}  // namespace quoll::lab::backend

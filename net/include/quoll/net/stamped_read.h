// stamped_read: one recvmsg that says when the kernel received the bytes. StampedSocket reads by it; a program with a
// loop of its own may, too.
//
// The stamp is that of the last segment consumed by the read: exact for the last byte, an upper bound for the first.
// EOF and errors carry no stamp. Where the kernel gave none (the first segments after stamping was switched on, a
// kernel without it), `stamped` is false, and `arrived_at` is the time of the read.
//
// Thread-safe: free functions and plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quoll/base/time.h"
#include "quoll/net/stamp_clock.h"

namespace quoll::net {

enum class IoStatus : std::uint8_t {
  ok,           // bytes > 0
  would_block,  // only of calls that do not wait
  eof,          // the peer has closed its side
  deadline,     // the deadline has passed and the stream is empty (or, writing, full)
  error,        // see `error`
};

struct ReadResult {
  IoStatus status = IoStatus::would_block;
  bool stamped = false;
  int error = 0;  // errno
  std::size_t bytes = 0;
  TimePoint arrived_at{};  // of the last byte
  TimePoint read_at{};     // when we got round to it; read_at - arrived_at is our own delay
};

// Asks the kernel for arrival stamps; sockets that a listener accepts inherit the wish. False when it refuses.
bool enable_stamps(int fd);

// Never waits. `clock` takes in a reading; `earliest` bounds the arrival from below. `drained`, if given, is set to
// whether the socket is known to hold nothing more, neither bytes nor an end.
ReadResult stamped_read(int fd, std::span<char> into, StampClock& clock, TimePoint earliest, bool* drained = nullptr);

}  // namespace quoll::net

// When a request left, if the thread lost the CPU while it was sent.
//
// A deadline starts when the request left, which a clock read after the send tells: unless the thread is taken off the
// CPU between the two. Under a CPU quota that is not rare, since the kernel throttles a thread on its way out of a
// system call. The clock then says some 80 ms too much, and an answer that is so much too late would pass as one in
// time. TCP knows better: TCP_INFO tells how long ago it last sent data, in the kernel's ticks.
//
// Thread-safe: free functions.
#pragma once

#include "quoll/base/time.h"

namespace quoll::net {

// A send that took no longer is believed as it is; the kernel is not asked. Default 1 ms.
inline constexpr Duration kPromptSend = std::chrono::milliseconds(1);

// The latest time at which the data can have left. before, after: clocks read around the send. idle: how many ticks, as
// a time, had passed at `after` since the one in which TCP last sent data; both ends may lie anywhere in their ticks.
// What lies outside [before, after] says nothing about this send, and `after` holds. It errs by up to two ticks
// (HZ=250: 8 ms), and only towards a later deadline.
TimePoint latest_send(TimePoint before, TimePoint after, Duration idle, Duration tick);

// The same for a connected TCP socket; `after` when it was prompt or the kernel does not tell.
TimePoint send_time(int fd, TimePoint before, TimePoint after);

}  // namespace quoll::net

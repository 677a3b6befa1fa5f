// connect: opens a connection to an endpoint by a deadline, and judges the deadline by the socket.
//
// A connect timer that fires while the handshake has been finished in the kernel is as wrong as a read timer that fires
// while the answer lies in the buffer. When the deadline passes the socket's state is read: an established connection
// counts, if the peer's last acknowledgement came before the deadline (TCP_INFO, exact to one kernel tick, 1 to 10 ms).
#pragma once

#include <memory>

#include "quoll/net/endpoint.h"
#include "quoll/net/stamped_socket.h"

namespace quoll::net {

struct ConnectResult {
  std::unique_ptr<StampedSocket> socket;  // null: see status and error
  IoStatus status = IoStatus::ok;         // ok, deadline or error
  int error = 0;                          // errno, such as ECONNREFUSED
  bool rescued = false;                   // established in time, and seen only after the deadline
};

// Loop-confined.
Task<ConnectResult> connect(Loop& loop, TcpEndpoint to, TimePoint deadline,
                            DeadlinePolicy policy = DeadlinePolicy::look_first);

}  // namespace quoll::net

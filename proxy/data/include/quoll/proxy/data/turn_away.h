// What a client gets for which there is no room: a short 503 with Retry-After, in bytes that were made beforehand, and
// the end of its connection.
//
// Loop-confined.
#pragma once

#include <cstddef>

#include "quoll/net/loop.h"

namespace quoll::proxy {

class TurnAway {
 public:
  // Connections that are closed with patience, so that the answer is not lost to the reset that unread bytes cause.
  // More than these are closed at once: a flood costs one system call a connection, and no memory.
  static constexpr std::size_t kMostLingering = 64;

  void operator()(net::Loop& loop, net::TcpSocket socket);

 private:
  net::Task<void> linger(net::Loop& loop, net::TcpSocket socket);

  std::size_t lingering_ = 0;
};

}  // namespace quoll::proxy

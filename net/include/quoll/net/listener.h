// Listener: one listening socket of one worker. All workers listen on the same address with SO_REUSEPORT, so the
// kernel spreads the connections and no worker waits for another.
//
// Arrival stamps and TCP_NODELAY are switched on here and inherited by the accepted sockets, so that a request that
// waits in the accept backlog is stamped, too.
//
// Loop-confined.
#pragma once

#include <functional>
#include <memory>

#include "quoll/base/result.h"
#include "quoll/net/endpoint.h"
#include "quoll/net/loop.h"

namespace quoll::net {

struct ListenOptions {
  // Connections that wait to be accepted; the kernel caps it at net.core.somaxconn. Default 4096.
  int backlog = 4096;
};

// Fails with a message that names the address when it is taken. SO_REUSEPORT would let a second program of the same
// user share it silently, so call this once before the workers listen.
Result<void> check_free(const TcpEndpoint& at);

class Listener {
 public:
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const TcpEndpoint& at, const ListenOptions& options = {});

  // Hands every accepted socket to `on_accept` until `close`. Out of file descriptors, it waits 50 ms and tries again:
  // the connections stay in the backlog.
  Task<void> run(std::function<void(TcpSocket)> on_accept);
  void close();

  // The address with the port that was found, if 0 was asked for.
  TcpEndpoint local_endpoint() const { return local_; }
  // Whether the kernel agreed to stamp arrivals.
  bool stamps() const { return stamps_; }

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
  Listener(Loop& loop, Acceptor acceptor, bool stamps);

  Loop& loop_;
  Acceptor acceptor_;
  TcpEndpoint local_;
  bool stamps_;
};

}  // namespace quoll::net

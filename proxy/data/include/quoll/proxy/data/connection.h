// Connection: one client connection, from accept to close, as one coroutine. While it waits for a request it holds no
// buffer.
//
// Loop-confined; lives in its coroutine's frame.
#pragma once

#include <string>

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

class Connection final : public OpenConnection {
 public:
  // Serves a socket that has been accepted until it closes.
  static net::Task<void> serve(WorkerState& worker, net::TcpSocket socket);
  // The same for any stream, from one end to the other.
  static net::Task<void> serve(WorkerState& worker, net::Stream& client, ClientEnds ends);

  void drain() override;
  void look() override;

 private:
  Connection(WorkerState& worker, net::Stream& client, const ClientEnds& ends);
  ~Connection();

  void take_ends(const ClientEnds& ends);
  net::Task<void> run();
  net::Task<bool> read_proxy_header(Exchange& exchange);
  enum class Next : std::uint8_t { request, wait, close };
  net::Task<Next> serve_one(Exchange& exchange);

  WorkerState& worker_;
  net::Stream& client_;
  ClientEnds ends_;
  std::string peer_;  // ends_.remote's address
  std::string forwarded_beginning_;
  bool idle_ = true;
  ClientWatch* watch_ = nullptr;  // during an exchange
};

}  // namespace quoll::proxy

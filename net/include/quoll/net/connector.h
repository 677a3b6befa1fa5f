// Connector: how a connection to an endpoint is made. TcpConnector makes a plain one; a test's is a script.
//
// Loop-confined.
#pragma once

#include <memory>

#include "quoll/net/endpoint.h"
#include "quoll/net/stream.h"

namespace quoll::net {

class Connector {
 public:
  struct Result {
    std::unique_ptr<Stream> stream;  // null: see status and error
    IoStatus status = IoStatus::ok;  // ok, deadline or error
    int error = 0;                   // errno, such as ECONNREFUSED
  };

  virtual Task<Result> connect(TcpEndpoint to, TimePoint deadline, DeadlinePolicy policy) = 0;

 protected:
  ~Connector() = default;
};

// By connect().
class TcpConnector final : public Connector {
 public:
  explicit TcpConnector(Loop& loop) : loop_(loop) {}
  Task<Result> connect(TcpEndpoint to, TimePoint deadline, DeadlinePolicy policy) override;

 private:
  Loop& loop_;
};

}  // namespace quoll::net

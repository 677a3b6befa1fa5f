#include "quoll/net/connector.h"

#include "quoll/net/connect.h"

namespace quoll::net {

Task<Connector::Result> TcpConnector::connect(TcpEndpoint to, TimePoint deadline, DeadlinePolicy policy) {
  ConnectResult made = co_await net::connect(loop_, to, deadline, policy);
  co_return Result{std::move(made.socket), made.status, made.error};
}

}  // namespace quoll::net

#include "quoll/proxy/data/turn_away.h"

#include <sys/socket.h>

#include <string_view>

#include "quoll/net/stamped_socket.h"
#include "quoll/proxy/data/lingering_close.h"

namespace quoll::proxy {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 49\r\n"
    "Cache-Control: no-store\r\nRetry-After: 1\r\n"
    "Proxy-Status: quoll; error=connection_limit_reached; details=\"too many connections\"\r\n"
    "Connection: close\r\n\r\n"
    "{\"error\":\"this proxy has too many connections\"}\r\n";

}  // namespace

void TurnAway::operator()(net::Loop& loop, net::TcpSocket socket) {
  // A fresh socket takes this much; one that does not gets nothing.
  static_cast<void>(::send(socket.native_handle(), kAnswer.data(), kAnswer.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  if (lingering_ < kMostLingering) net::spawn(loop.executor, linger(loop, std::move(socket)));
}

net::Task<void> TurnAway::linger(net::Loop& loop, net::TcpSocket socket) {
  ++lingering_;
  net::StampedSocket client(loop, std::move(socket));
  co_await lingering_close(client);
  --lingering_;
}

}  // namespace quoll::proxy

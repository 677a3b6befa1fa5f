#include "quoll/proxy/data/turn_away.h"

#include <sys/socket.h>

#include <string>

#include "quoll/net/stamped_socket.h"
#include "quoll/proxy/data/lingering_close.h"
#include "quoll/proxy/data/reply.h"

namespace quoll::proxy {
namespace {

std::string answer() {
  std::string out;
  append_reply(out, {.status = 503,
                     .body = error_json("this proxy has too many connections"),
                     .fields = "Cache-Control: no-store\r\nRetry-After: 1\r\n"
                               "Proxy-Status: quoll; error=connection_limit_reached; "
                               "details=\"too many connections\"\r\n",
                     .keep_alive = false});
  return out;
}

}  // namespace

void TurnAway::operator()(net::Loop& loop, net::TcpSocket socket) {
  // A fresh socket takes this much; one that does not gets nothing.
  const std::string text = answer();
  static_cast<void>(::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  if (lingering_ < kMostLingering) net::spawn(loop.executor, linger(loop, std::move(socket)));
}

net::Task<void> TurnAway::linger(net::Loop& loop, net::TcpSocket socket) {
  ++lingering_;
  net::StampedSocket client(loop, std::move(socket));
  co_await lingering_close(client);
  --lingering_;
}

}  // namespace quoll::proxy

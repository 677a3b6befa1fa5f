#include "quoll/lab/harness/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "quoll/base/fd.h"

namespace quoll::lab::harness {

namespace {

// A bound TCP socket's port, or 0.
std::uint16_t bind_port(std::uint16_t port) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  // Ports in TIME_WAIT are free for a server; with SO_REUSEPORT a listener that has it too would look free.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  if (!socket || ::bind(socket.get(), generic, length) != 0) return 0;
  if (::listen(socket.get(), 1) != 0 || ::getsockname(socket.get(), generic, &length) != 0) return 0;
  return ntohs(address.sin_port);
}

}  // namespace

bool port_is_free(std::uint16_t port) {
  return bind_port(port) == port;
}

std::uint16_t any_free_port() {
  return bind_port(0);
}

}  // namespace quoll::lab::harness

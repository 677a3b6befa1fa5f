#include "quoll/net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "quoll/base/fd.h"
#include "quoll/net/local_error.h"
#include "quoll/net/stamped_socket.h"

namespace quoll::net {
namespace {

Error cannot_listen(const TcpEndpoint& at, int error) {
  std::string message = "cannot listen on " + to_string(at) + ": ";
  if (error == EADDRINUSE) {
    message += "the port is taken by another program; stop it or choose another port";
  } else if (error == EACCES) {
    message += "permission denied; ports below 1024 need privileges";
  } else if (error == EADDRNOTAVAIL) {
    message += "this machine does not have that address";
  } else {
    message += std::strerror(error);
  }
  return Error{message, "listen"};
}

Fd open_socket(const TcpEndpoint& at, bool share, int backlog) {
  Fd opened(::socket(at.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!opened) return {};
  const int fd = opened.get();
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (share) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on);  // spares StampedSocket a peek before each wait
  if (::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0 && ::listen(fd, backlog) == 0) return opened;
  return {};
}

bool out_of_descriptors(int error) {
  const LocalLack lack = local_lack(error);
  return lack == LocalLack::descriptors || lack == LocalLack::memory;
}

}  // namespace

Result<void> check_free(const TcpEndpoint& at) {
  if (at.port() == 0) return {};
  if (!open_socket(at, false, 1)) return cannot_listen(at, errno);
  return {};
}

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const TcpEndpoint& at, const ListenOptions& options) {
  Fd opened = open_socket(at, true, options.backlog);
  if (!opened) return cannot_listen(at, errno);
  const bool stamps = loop.want_stamps && enable_stamps(opened.get());
  Acceptor acceptor(loop.executor);
  boost::system::error_code error;
  acceptor.assign(at.protocol(), opened.get(), error);
  if (error) return cannot_listen(at, error.value());
  opened.release();
  return std::unique_ptr<Listener>(new Listener(loop, std::move(acceptor), stamps));
}

Listener::Listener(Loop& loop, Acceptor acceptor, bool stamps)
    : loop_(loop), acceptor_(std::move(acceptor)), local_(acceptor_.local_endpoint()), stamps_(stamps) {}

Task<void> Listener::run(std::function<void(TcpSocket)> on_accept) {
  constexpr int kBatch = 64;  // then the connections that are there get their turn
  asio::steady_timer::rebind_executor<Executor>::other pause(loop_.executor);
  while (acceptor_.is_open()) {
    const auto [error] = co_await acceptor_.async_wait(Acceptor::wait_read, kAwait);
    if (error) break;
    for (int i = 0; i < kBatch && acceptor_.is_open(); ++i) {
      Fd accepted(::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted) {
        TcpSocket socket(loop_.executor);
        boost::system::error_code failed;
        socket.assign(local_.protocol(), accepted.get(), failed);
        if (failed) continue;
        accepted.release();
        on_accept(std::move(socket));
        continue;
      }
      const int why = errno;
      if (out_of_descriptors(why)) {
        pause.expires_after(std::chrono::milliseconds(50));
        co_await pause.async_wait(kAwait);
      }
      if (why != EINTR && why != ECONNABORTED) break;
    }
  }
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace quoll::net

#include "io.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "quoll/net/endpoint.h"
#include "quoll/net/stamped_read.h"

namespace quoll::lab::backend {

Error system_error(const std::string& what, int number) {
  return Error{what + ": " + std::generic_category().message(number), "system"};
}

Result<Fd> open_listener(const std::string& address) {
  const auto endpoint = net::parse_listen_address(address);
  if (!endpoint) return endpoint.error();
  Fd fd(::socket(endpoint->protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("opening a socket", errno);
  const int on = 1;
  // Accepted sockets inherit both of the last two.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  net::enable_stamps(fd.get());
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(fd.get(), endpoint->data(), static_cast<socklen_t>(endpoint->size())) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    if (errno == EADDRINUSE) {
      const std::string port = std::to_string(endpoint->port());
      return Error{"port " + port + " is taken: something else listens on " + address +
                       "; stop it, or choose another port (0 takes any free one)",
                   "port_in_use"};
    }
    return system_error("listening on " + address, errno);
  }
  return fd;
}

std::uint16_t local_port(const Fd& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (!listener || ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  net::TcpEndpoint endpoint;
  std::memcpy(endpoint.data(), &address, std::min<std::size_t>(size, endpoint.capacity()));
  return endpoint.port();
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

Result<Epoll> Epoll::open() {
  Epoll epoll;
  epoll.fd_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.fd_) return system_error("opening epoll", errno);
  return epoll;
}

bool Epoll::add(int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Epoll::remove(int fd) {
  epoll_event unused{};
  ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, &unused);
}

std::span<const epoll_event> Epoll::wait(TimePoint until) {
  const auto left = std::max(Duration::zero(), until - steady_now());
  int count = -1;
  if (nanoseconds_) {
    timespec timeout{};
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
    count = ::epoll_pwait2(fd_.get(), events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
    // Kernels before 5.11, and sandboxes that do not know the call.
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) nanoseconds_ = false;
  }
  if (!nanoseconds_) {
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    count = ::epoll_wait(fd_.get(), events_.data(), static_cast<int>(events_.size()),
                         static_cast<int>(std::min<decltype(millis)>(millis, 60'000)));
  }
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

void close_with_reset(Fd& fd) {
  const linger now{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd.reset();
}

}  // namespace quoll::lab::backend

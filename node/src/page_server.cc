#include "page_server.h"

#ifdef __linux__
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace quoll::node {

namespace {

constexpr std::size_t kMostVisitors = 64;
constexpr std::size_t kMostRequest = 8192;
constexpr Duration kPatience = std::chrono::seconds(5);

Error system_error(const std::string& what) {
  return {what + ": " + std::strerror(errno), "cannot_listen"};
}

std::string answer(const Pages::Page& page, bool with_body) {
  std::string text = "HTTP/1.1 " + std::to_string(page.status) + (page.status == 200 ? " OK" : " Error") +
                     "\r\nContent-Type: " + page.type + "\r\nContent-Length: " + std::to_string(page.body.size()) +
                     "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  if (with_body) text += page.body;
  return text;
}

}  // namespace

struct PageServer::Visitor {
  int fd = -1;
  std::string request = {};
  std::string response = {};
  std::size_t written = 0;
  TimePoint until{};
};

Result<std::unique_ptr<PageServer>> PageServer::start(std::shared_ptr<const Pages> pages, const std::string& host,
                                                      std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    return Error{"host must be an IPv4 address, not '" + host + "'", "bad_host"};
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return system_error("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, plain, size) != 0 || ::listen(listener, 64) != 0 || ::getsockname(listener, plain, &size) != 0) {
    const Error error = system_error(host + ":" + std::to_string(port));
    ::close(listener);
    return error;
  }
  const int stop = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop < 0) {
    const Error error = system_error("eventfd");
    ::close(listener);
    return error;
  }
  std::unique_ptr<PageServer> server(new PageServer(std::move(pages), listener, stop, ntohs(address.sin_port)));
  return server;
}

PageServer::PageServer(std::shared_ptr<const Pages> pages, int listener, int stop, std::uint16_t port)
    : pages_(std::move(pages)), listener_(listener), stop_(stop), port_(port), thread_([this] { run(); }) {}

PageServer::~PageServer() {
  const std::uint64_t one = 1;
  // An eventfd takes the first eight bytes always.
  [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
  ::close(listener_);
}

void PageServer::welcome(std::vector<Visitor>& visitors) const {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (visitors.size() >= kMostVisitors) {
      ::close(fd);
      continue;
    }
    visitors.push_back({.fd = fd, .until = steady_now() + kPatience});
  }
}

// False once the visitor is done with.
bool PageServer::serve(Visitor& visitor) const {
  if (visitor.response.empty()) {
    char buffer[2048];
    const ssize_t got = ::recv(visitor.fd, buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (got > 0) visitor.request.append(buffer, static_cast<std::size_t>(got));
    if (visitor.request.size() > kMostRequest) return false;
    if (visitor.request.find("\r\n\r\n") == std::string::npos) return true;
    const std::size_t method = visitor.request.find(' ');
    const std::size_t end = visitor.request.find(' ', method + 1);
    const std::string verb = visitor.request.substr(0, method);
    if (method == std::string::npos || end == std::string::npos) return false;
    if (verb != "GET" && verb != "HEAD") {
      visitor.response = answer({405, "text/plain", "only GET and HEAD\n"}, true);
    } else {
      visitor.response = answer(pages_->page(visitor.request.substr(method + 1, end - method - 1)), verb == "GET");
    }
  }
  const ssize_t sent = ::send(visitor.fd, visitor.response.data() + visitor.written,
                              visitor.response.size() - visitor.written, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  visitor.written += static_cast<std::size_t>(sent);
  return visitor.written < visitor.response.size();
}

void PageServer::run() {
  std::vector<Visitor> visitors;
  std::vector<pollfd> polled;
  while (true) {
    polled.assign({{stop_, POLLIN, 0}, {listener_, POLLIN, 0}});
    for (const Visitor& each : visitors) {
      polled.push_back({each.fd, static_cast<short>(each.response.empty() ? POLLIN : POLLOUT), 0});
    }
    // Without visitors nothing can expire.
    if (::poll(polled.data(), polled.size(), visitors.empty() ? -1 : 1000) < 0 && errno != EINTR) break;
    if (polled[0].revents != 0) break;
    const TimePoint now = steady_now();
    std::vector<Visitor> kept;
    for (std::size_t i = 0; i < visitors.size(); ++i) {
      const bool ready = polled[i + 2].revents != 0;
      if (visitors[i].until < now || (ready && !serve(visitors[i]))) {
        ::close(visitors[i].fd);
      } else {
        kept.push_back(std::move(visitors[i]));
      }
    }
    visitors.swap(kept);
    if (polled[1].revents != 0) welcome(visitors);
  }
  for (const Visitor& each : visitors) ::close(each.fd);
}

}  // namespace quoll::node

#else

namespace quoll::node {

struct PageServer::Visitor {};
Result<std::unique_ptr<PageServer>> PageServer::start(std::shared_ptr<const Pages>, const std::string&, std::uint16_t) {
  return Error{"the page server is built for Linux only", "not_here"};
}
PageServer::~PageServer() = default;

}  // namespace quoll::node

#endif

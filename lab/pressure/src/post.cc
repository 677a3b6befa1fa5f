#include "post.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "quoll/http/body.h"
#include "quoll/http/head.h"
#include "quoll/http/write.h"

namespace quoll::lab::pressure {

namespace {

constexpr std::size_t kMaxReply = 64U << 10U;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error failure(const char* code, const std::string& what, int number) {
  return Error{what + ": " + std::generic_category().message(number), code};
}

// Waits until the socket is ready, the deadline has passed, or a stop was requested.
Result<void> ready(int fd, short events, TimePoint deadline, const StopSignal& stop) {
  std::array<pollfd, 2> watched = {{{fd, events, 0}, {stop.fd(), POLLIN, 0}}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_now()).count();
    if (left <= 0) return Error{"no answer in time", "timeout"};
    const int count = ::poll(watched.data(), watched.size(), static_cast<int>(std::min<decltype(left)>(left, 60'000)));
    if (watched[1].revents != 0) return Error{"stopped", "stopped"};
    if (count > 0 && watched[0].revents != 0) return {};
  }
}

Result<void> connect(int fd, const net::TcpEndpoint& to, TimePoint deadline, const StopSignal& stop) {
  const std::string what = "cannot connect to " + net::to_string(to);
  if (::connect(fd, to.data(), static_cast<socklen_t>(to.size())) == 0) return {};
  if (errno != EINPROGRESS) return failure("connect", what, errno);
  if (auto waited = ready(fd, POLLOUT, deadline, stop); !waited) return waited;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return failure("connect", what, error);
  return {};
}

Result<void> send_all(int fd, std::string_view bytes, TimePoint deadline, const StopSignal& stop) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (auto waited = ready(fd, POLLOUT, deadline, stop); !waited) return waited;
    } else if (errno != EINTR) {
      return failure("connect", "sending", errno);
    }
  }
  return {};
}

// Appends what there is to read; false at the end of the stream.
Result<bool> receive(int fd, std::string& into, TimePoint deadline, const StopSignal& stop) {
  if (into.size() >= kMaxReply) return Error{"an answer of more than 64 KiB", "protocol"};
  if (auto waited = ready(fd, POLLIN, deadline, stop); !waited) return waited.error();
  std::array<char, 4096> bytes{};
  const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (size < 0) return failure("connect", "receiving", errno);
  into.append(bytes.data(), static_cast<std::size_t>(size));
  return size > 0;
}

Result<Reply> read_reply(int fd, TimePoint deadline, const StopSignal& stop) {
  std::string bytes;
  http::HeadScan scan;
  http::ResponseHead head;
  http::ParseResult parsed;
  for (;;) {
    const auto more = receive(fd, bytes, deadline, stop);
    if (!more) return more.error();
    if (!*more) return Error{"the connection was closed without an answer", "protocol"};
    parsed = http::parse_response(bytes, {}, "POST", scan, head);
    if (parsed.bad()) return Error{"not an HTTP answer: " + std::string(parsed.message), "protocol"};
    if (parsed.complete()) break;
  }
  Reply reply{head.status, {}};
  http::BodyReader body(head.framing, head.content_length, {});
  std::string rest = bytes.substr(parsed.consumed);
  while (!body.done()) {
    std::string_view input = rest;
    while (!input.empty() && !body.done()) {
      const auto piece = body.next({input.data(), input.size()});
      if (!piece) return Error{piece.error().message, "protocol"};
      reply.body.append(piece->data.data(), piece->data.size());
      input.remove_prefix(piece->consumed);
    }
    if (body.done() || reply.body.size() >= kMaxReply) break;
    rest.clear();
    const auto more = receive(fd, rest, deadline, stop);
    if (!more) return more.error();
    if (!*more) break;  // the status is what matters
  }
  return reply;
}

}  // namespace

Result<net::HostPort> parse_target(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = url;
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    auto where = net::parse_host_port(rest);
    if (where && !where->host.empty() && where->port != 0) return where;
  }
  return Error{"'" + std::string(url) + "' is not a target; write http://HOST:PORT, such as http://127.0.0.1:3900",
               "address"};
}

Result<Reply> post(std::string_view target, std::string_view path, std::string_view body, Duration timeout,
                   const StopSignal& stop) {
  const auto where = parse_target(target);
  if (!where) return where.error();
  const auto endpoints = net::resolve(*where);
  if (!endpoints) return endpoints.error();
  const TimePoint deadline = steady_now() + timeout;
  const net::TcpEndpoint& to = endpoints->front();
  const Socket socket(::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return failure("connect", "opening a socket", errno);
  if (auto connected = connect(socket.fd(), to, deadline, stop); !connected) return connected.error();
  const bool v6_address = where->host.find(':') != std::string::npos;
  const std::string name = v6_address ? "[" + where->host + "]" : where->host;
  const std::string host = fmt::format("{}:{}", name, where->port);
  std::string request;
  http::append_request_line(request, "POST", path);
  http::append_field(request, "Host", host);
  http::append_field(request, "Content-Type", "application/json");
  http::append_framing(request, http::Framing::length, body.size());
  http::append_field(request, "Connection", "close");
  http::append_head_end(request);
  request += body;
  if (auto sent = send_all(socket.fd(), request, deadline, stop); !sent) return sent.error();
  return read_reply(socket.fd(), deadline, stop);
}

}  // namespace quoll::lab::pressure

#include "quoll/lab/harness/http_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "quoll/http/body.h"
#include "quoll/http/head.h"

namespace quoll::lab::harness {

namespace {

class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

bool make_address(const std::string& host, std::uint16_t port, Address& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.length = sizeof(sockaddr_in);
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length = sizeof(sockaddr_in6);
    return true;
  }
  return false;
}

// One exchange on one connection; `what` starts every message.
class Exchange {
 public:
  Exchange(std::string what, Duration timeout) : what_(std::move(what)), end_(steady_now() + timeout) {}

  Result<HttpAnswer> run(const Address& address, std::string_view method, std::string_view request) {
    const Socket socket(address.storage.ss_family);
    if (socket.fd() < 0) return fail("system", std::strerror(errno));
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
      if (errno != EINPROGRESS) return fail("connect", std::strerror(errno));
      if (!ready(socket.fd(), POLLOUT)) return fail("timeout", "no connection in time");
      int error = 0;
      socklen_t length = sizeof(error);
      ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
      if (error != 0) return fail("connect", std::strerror(error));
    }
    while (!request.empty()) {
      const ssize_t sent = ::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        request.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EAGAIN && errno != EINTR) {
        return fail("connect", std::strerror(errno));
      } else if (!ready(socket.fd(), POLLOUT)) {
        return fail("timeout", "the request could not be sent in time");
      }
    }
    return read_answer(socket.fd(), method);
  }

 private:
  Error fail(const char* code, const std::string& why) const { return {what_ + ": " + why, code}; }

  bool ready(int fd, short events) const {
    pollfd one{fd, events, 0};
    while (true) {
      const Duration left = end_ - steady_now();
      if (left <= Duration::zero()) return false;
      const int got = ::poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
      if (got > 0) return true;
      if (got < 0 && errno != EINTR) return false;
    }
  }

  // Appends what has come; 0 at the peer's end.
  Result<std::size_t> receive(int fd, std::string& into) const {
    std::array<char, 16384> buffer{};
    while (true) {
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got >= 0) {
        into.append(buffer.data(), static_cast<std::size_t>(got));
        return static_cast<std::size_t>(got);
      }
      if (errno != EAGAIN && errno != EINTR) return fail("connect", std::strerror(errno));
      if (!ready(fd, POLLIN)) return fail("timeout", "no whole answer in time");
    }
  }

  Result<HttpAnswer> read_answer(int fd, std::string_view method) const {
    std::string bytes;
    http::Limits limits;
    limits.body_bytes = HttpClient::kMaxAnswer;
    http::HeadScan scan;
    http::ResponseHead head;
    while (true) {
      const http::ParseResult parsed = http::parse_response(bytes, limits, method, scan, head);
      if (parsed.bad()) return fail("protocol", std::string(parsed.message));
      if (parsed.complete()) {
        bytes.erase(0, parsed.consumed);
        if (!head.interim()) break;
        scan = {};
        continue;
      }
      const auto got = receive(fd, bytes);
      if (!got) return got.error();
      if (*got == 0) return fail("protocol", "closed before the answer's head was complete");
    }
    HttpAnswer answer{.status = head.status, .body = {}};
    http::BodyReader body(head.framing, head.content_length, limits);
    while (true) {
      std::span<const char> left(bytes);
      while (!left.empty() && !body.done()) {
        const auto piece = body.next(left);
        if (!piece) return fail("protocol", piece.error().message);
        answer.body.append(piece->data.data(), piece->data.size());
        left = left.subspan(piece->consumed);
      }
      if (body.done()) return answer;
      bytes.clear();
      const auto got = receive(fd, bytes);
      if (!got) return got.error();
      if (*got > 0) continue;
      const auto closed = body.finish_at_close();
      if (!closed) return fail("protocol", closed.error().message);
      return answer;
    }
  }

  std::string what_;
  TimePoint end_;
};

}  // namespace

HttpClient::HttpClient(std::string host, std::uint16_t port, Duration timeout)
    : host_(std::move(host)), port_(port), timeout_(timeout) {}

std::string HttpClient::url(std::string_view path) const {
  const bool v6 = host_.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_) + std::string(path);
}

Result<HttpAnswer> HttpClient::exchange(std::string_view method, std::string_view path, std::string_view body) const {
  const std::string what = std::string(method) + " " + url(path);
  Address address;
  if (!make_address(host_, port_, address)) return Error{what + ": the host must be a numeric address", "connect"};
  std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: " + url("").substr(7) +
                        "\r\nConnection: close\r\n";
  if (!body.empty()) {
    request += "Content-Type: application/json\r\n";
  }
  if (method == "POST") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n";
  request += body;
  return Exchange(what, timeout_).run(address, method, request);
}

Result<HttpAnswer> HttpClient::get(std::string_view path) const {
  return exchange("GET", path, {});
}

Result<HttpAnswer> HttpClient::post(std::string_view path, std::string_view json) const {
  return exchange("POST", path, json);
}

Result<std::string> HttpClient::get_ok(std::string_view path) const {
  Result<HttpAnswer> answer = get(path);
  if (!answer) return answer.error();
  if (answer->status != 200) {
    return Error{
        "GET " + url(path) + ": answered " + std::to_string(answer->status) + ": " + answer->body.substr(0, 200),
        "status"};
  }
  return std::move(answer->body);
}

}  // namespace quoll::lab::harness

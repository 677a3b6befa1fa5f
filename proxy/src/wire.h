// Wire: one blocking TCP connection on loopback, as the tests' clients and upstreams use it. Every wait is bounded.
//
// Written for tests only, on nothing but sockets, so that what the proxy's own code gets wrong is not repeated here.
// Thread-compatible, except `cut`, which another thread may call.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "quoll/http/fields.h"

namespace quoll::proxy::testing {

// How a message or a connection ended.
enum class WireEnd : std::uint8_t { none, eof, reset, silent };

// A message in parts, chunks put together.
struct Message {
  std::string head;  // with its blank line; empty when none came
  std::string body;
  bool whole = false;  // head and body came to their end
  bool chunked = false;

  int status() const { return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0; }
  std::string line() const { return head.substr(0, head.find("\r\n")); }
  // All values of a field, joined by ", ".
  std::string field(std::string_view name) const {
    std::string out;
    std::size_t at = head.find("\r\n");
    while (at != std::string::npos && at + 2 < head.size()) {
      const std::size_t start = at + 2;
      at = head.find("\r\n", start);
      const std::string_view text = std::string_view(head).substr(start, at - start);
      const std::size_t colon = text.find(':');
      if (colon == std::string_view::npos || !http::iequals(text.substr(0, colon), name)) continue;
      if (!out.empty()) out += ", ";
      out += text.substr(std::min(text.size(), colon + 2));
    }
    return out;
  }
};

class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {
    const timeval patience{20, 0};
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  static Wire to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Wire wire(fd);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) wire.end_ = WireEnd::reset;
    return wire;
  }
  Wire(Wire&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)), end_(other.end_) {}
  Wire& operator=(Wire&&) = delete;
  ~Wire() { close(); }

  // Everything, or false when the peer is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // More bytes into the buffer; false at the end.
  bool receive() {
    char piece[65536];
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n > 0) {
      buffer_.append(piece, static_cast<std::size_t>(n));
      return true;
    }
    end_ = n == 0 ? WireEnd::eof : errno == EAGAIN ? WireEnd::silent : WireEnd::reset;
    return false;
  }
  // Up to and with `mark`; empty when the connection ends before.
  std::string read_until(std::string_view mark) {
    for (;;) {
      const std::size_t at = buffer_.find(mark);
      if (at != std::string::npos) return take(at + mark.size());
      if (!receive()) return {};
    }
  }
  std::string read_exactly(std::size_t bytes) {
    while (buffer_.size() < bytes) {
      if (!receive()) return take(buffer_.size());
    }
    return take(bytes);
  }
  // Reads and drops until the peer closes or nothing comes; how it ended.
  WireEnd read_to_end() {
    while (receive()) buffer_.clear();
    return end_;
  }
  WireEnd end() const { return end_; }
  const std::string& buffered() const { return buffer_; }

  // `bodiless`: an answer to HEAD, or another message that has no body whatever its fields say.
  Message read_head() {
    Message out;
    out.head = read_until("\r\n\r\n");
    return out;
  }
  Message read_request() {
    Message out = read_head();
    if (!out.head.empty()) read_body(out, false);
    return out;
  }
  Message read_answer(bool bodiless = false) {
    Message out = read_head();
    const int status = out.status();
    if (bodiless || status == 204 || status == 304 || (status >= 100 && status < 200)) {
      out.whole = !out.head.empty();
    } else if (!out.head.empty()) {
      read_body(out, true);
    }
    return out;
  }
  // Sends a request and reads its answer.
  Message ask(std::string_view request, bool bodiless = false) {
    if (!send(request)) end_ = WireEnd::reset;
    return read_answer(bodiless);
  }

  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  // Both directions, orderly; whoever reads is woken.
  void cut() { ::shutdown(fd_, SHUT_RDWR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // Sends a reset. The descriptor stays, so that another thread may still `cut` it.
  void reset() {
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    static_cast<void>(::connect(fd_, &nowhere, sizeof nowhere));
  }
  int fd() const { return fd_; }

 private:
  std::string take(std::size_t n) {
    std::string out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }
  void read_body(Message& m, bool until_close) {
    if (http::iequals(m.field("Transfer-Encoding"), "chunked")) {
      m.chunked = true;
      for (;;) {
        const std::string line = read_until("\r\n");
        if (line.empty()) return;
        const std::size_t size = std::strtoull(line.c_str(), nullptr, 16);
        if (size == 0) break;
        const std::string run = read_exactly(size);
        m.body += run;
        if (run.size() < size || read_exactly(2) != "\r\n") return;
      }
      m.whole = read_until("\r\n") == "\r\n";
    } else if (const std::string length = m.field("Content-Length"); !length.empty() || !until_close) {
      const std::size_t size = std::strtoull(length.c_str(), nullptr, 10);
      m.body = read_exactly(size);
      m.whole = m.body.size() == size;
    } else {
      while (receive()) {
      }
      m.body = take(buffer_.size());
      m.whole = end_ == WireEnd::eof;
    }
  }

  int fd_;
  std::string buffer_;
  WireEnd end_ = WireEnd::none;
};

}  // namespace quoll::proxy::testing

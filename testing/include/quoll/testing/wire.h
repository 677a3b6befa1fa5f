// Wire: one blocking TCP connection on loopback, the other program of a test: its client or its server. Every wait is
// bounded. ListeningPort: a listening socket on a port of its own.
//
// Written on nothing but sockets, so that a mistake of Quoll's own code is not repeated here.
// Thread-compatible, except `cut`, which another thread may call.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "quoll/base/assert.h"
#include "quoll/base/fd.h"

namespace quoll::testing {

// Of field names, in any case.
inline bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

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
      if (colon == std::string_view::npos || !same_word(text.substr(0, colon), name)) continue;
      if (!out.empty()) out += ", ";
      out += text.substr(std::min(text.size(), colon + 2));
    }
    return out;
  }
};

class Wire {
 public:
  Wire() = default;
  explicit Wire(Fd fd) : fd_(std::move(fd)) {
    const timeval patience{20, 0};
    const int on = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  static Wire to(std::uint16_t port) {
    Wire wire(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(wire.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) wire.fail();
    return wire;
  }
  // Everything, or false when the peer is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        error_ = errno;
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // More bytes into the buffer; false at the end.
  bool receive() {
    char piece[65536];
    ssize_t n;
    do {
      n = ::recv(fd(), piece, sizeof piece, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
      buffer_.append(piece, static_cast<std::size_t>(n));
      return true;
    }
    error_ = 0;
    end_ = WireEnd::eof;
    if (n < 0) fail();
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
  // The same, keeping it.
  std::string read_all() {
    while (receive()) {
    }
    return take(buffer_.size());
  }
  WireEnd end() const { return end_; }
  // errno of the last operation that ended the connection; 0 at an orderly end.
  int error() const { return error_; }
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

  void finish_sending() { ::shutdown(fd(), SHUT_WR); }
  // Both directions, orderly; a reader is woken.
  void cut() { ::shutdown(fd(), SHUT_RDWR); }
  void close() { fd_.reset(); }
  // Sends a reset. The descriptor stays, so that another thread may still `cut` it.
  void reset() {
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    static_cast<void>(::connect(fd(), &nowhere, sizeof nowhere));
  }
  int fd() const { return fd_.get(); }

 private:
  void fail() {
    error_ = errno;
    end_ = error_ == EAGAIN ? WireEnd::silent : WireEnd::reset;
  }
  std::string take(std::size_t n) {
    std::string out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }
  void read_body(Message& m, bool until_close) {
    if (same_word(m.field("Transfer-Encoding"), "chunked")) {
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
      m.body = read_all();
      m.whole = end_ == WireEnd::eof;
    }
  }

  Fd fd_;
  std::string buffer_;
  WireEnd end_ = WireEnd::none;
  int error_ = 0;
};

class ListeningPort {
 public:
  explicit ListeningPort(int backlog = 1024) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&at);
    socklen_t size = sizeof at;
    QUOLL_ASSERT(::bind(fd(), generic, size) == 0 && ::listen(fd(), backlog) == 0);
    QUOLL_ASSERT(::getsockname(fd(), generic, &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  int fd() const { return fd_.get(); }
  std::uint16_t port() const { return port_; }
  // The next connection; -1 once the port was shut.
  Fd accept() const { return Fd(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC)); }
  // Ends an `accept` of another thread; nobody can connect from now on.
  void shut() { ::shutdown(fd(), SHUT_RDWR); }
  void close() { fd_.reset(); }

 private:
  Fd fd_;
  std::uint16_t port_ = 0;
};

}  // namespace quoll::testing

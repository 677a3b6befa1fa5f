// A blocking HTTP client written by hand for the tests, so that what is tested is not read with its own parser, and a
// server on a thread of its own. Every wait is bounded.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include "quoll/lab/backend/server.h"

namespace quoll::lab::backend::testing {

class Client {
 public:
  // Connects to 127.0.0.1; connected() says whether it worked.
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    error_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return error_ == 0; }
  int error() const { return error_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        error_ = errno;
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Appends to `bytes`; false at the end of the stream or on an error, which error() tells (0 at the end).
  bool more(std::string& bytes) {
    std::array<char, 65536> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    error_ = size < 0 ? errno : 0;
    if (size <= 0) return false;
    bytes.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }
  std::string read_to_end() {
    std::string bytes = std::move(left_);
    while (more(bytes)) {
    }
    return bytes;
  }

  struct Reply {
    unsigned status = 0;
    std::string head;
    std::string body;
    bool whole = false;
  };
  // One answer with Content-Length or chunks. Bytes after it are kept for the next.
  Reply read_reply(bool has_body = true) {
    std::string bytes = std::move(left_);
    left_.clear();
    Reply reply;
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!more(bytes)) return reply;
    }
    reply.head = bytes.substr(0, end + 2);
    bytes.erase(0, end + 4);
    reply.status = static_cast<unsigned>(std::atoi(reply.head.c_str() + sizeof "HTTP/1.1"));
    if (!has_body) {
      reply.whole = true;
    } else if (reply.head.find("Transfer-Encoding: chunked") != std::string::npos) {
      read_chunks(bytes, reply);
    } else {
      const std::size_t length = static_cast<std::size_t>(std::atoll(field(reply.head, "Content-Length").c_str()));
      while (bytes.size() < length && more(bytes)) {
      }
      reply.whole = bytes.size() >= length;
      reply.body = bytes.substr(0, length);
      bytes.erase(0, length);
    }
    left_ = std::move(bytes);
    return reply;
  }
  Reply ask(std::string_view method, std::string_view path, std::string_view body = {}, std::string_view fields = {}) {
    std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n";
    request += fields;
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n";
    request += body;
    if (!send(request)) return {};
    return read_reply(method != "HEAD");
  }

  static std::string field(const std::string& head, const std::string& name) {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
  }

 private:
  void read_chunks(std::string& bytes, Reply& reply) {
    for (;;) {
      std::size_t line = 0;
      while ((line = bytes.find("\r\n")) == std::string::npos) {
        if (!more(bytes)) return;
      }
      const auto size = static_cast<std::size_t>(std::strtoull(bytes.c_str(), nullptr, 16));
      while (bytes.size() < line + 2 + size + 2) {
        if (!more(bytes)) return;
      }
      reply.body += bytes.substr(line + 2, size);
      bytes.erase(0, line + 2 + size + 2);
      if (size == 0) {
        reply.whole = true;
        return;
      }
    }
  }

  int fd_;
  int error_ = 0;
  std::string left_;
};

// A server that runs until the end of the test.
class Running {
 public:
  explicit Running(Options options) {
    options.listen = "127.0.0.1:0";
    auto opened = Server::open(std::move(options));
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      std::abort();
    }
    server_ = std::move(*opened);
    thread_ = std::thread([this] { EXPECT_TRUE(server_->run()); });
  }
  ~Running() { stop(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }
  std::uint16_t port() const { return server_->port(); }
  std::uint16_t control_port() const { return server_->control_port(); }
  std::string truth() const { return Client(port()).ask("GET", "/truth").body; }
  std::string metrics() const { return Client(port()).ask("GET", "/metrics").body; }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

// Answers at once and never fails.
inline Behaviour prompt() {
  Behaviour behaviour;
  behaviour.mode = Mode::healthy;
  behaviour.delay = {};
  behaviour.degrade = {};
  return behaviour;
}

}  // namespace quoll::lab::backend::testing

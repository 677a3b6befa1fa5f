// The backend's tests: a client that asks in one line, and a server on a thread of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "quoll/lab/backend/server.h"
#include "quoll/testing/wire.h"

namespace quoll::lab::backend::testing {

class Client : public quoll::testing::Wire {
 public:
  // Connects to 127.0.0.1; connected() says whether it worked.
  explicit Client(std::uint16_t port) : Wire(Wire::to(port)) {}

  bool connected() const { return end() == quoll::testing::WireEnd::none; }
  quoll::testing::Message ask(std::string_view method, std::string_view path, std::string_view body = {},
                              std::string_view fields = {}) {
    std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n";
    request += fields;
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n";
    request += body;
    return Wire::ask(request, method == "HEAD");
  }
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

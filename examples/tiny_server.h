// A server for the examples, on a port and a thread of its own: /now is answered at once, /never is not.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "quoll/net/listener.h"
#include "quoll/net/stamped_socket.h"
#include "quoll/net/worker.h"

class TinyServer {
 public:
  TinyServer() {
    listener_ =
        quoll::net::Listener::open(worker_.loop(), quoll::net::parse_listen_address("127.0.0.1:0").value()).value();
    quoll::net::spawn(worker_.executor(), listener_->run([this](quoll::net::TcpSocket accepted) {
      quoll::net::spawn(worker_.executor(), serve(worker_, std::move(accepted)));
    }));
    worker_.start();
  }
  ~TinyServer() {
    worker_.stop();
    worker_.join();
    worker_.destroy_tasks();
  }
  quoll::net::TcpEndpoint endpoint() const { return listener_->local_endpoint(); }

 private:
  static quoll::net::Task<void> serve(quoll::net::Worker& worker, quoll::net::TcpSocket accepted) {
    quoll::net::StampedSocket socket(worker.loop(), std::move(accepted));
    std::array<char, 1024> room{};
    const quoll::net::ReadResult read = co_await socket.read(room, quoll::net::kNever);
    if (std::string_view(room.data(), read.bytes).starts_with("GET /now ")) {
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";
      iovec piece{answer.data(), answer.size()};
      (void)co_await socket.write({&piece, 1}, quoll::net::kNever);
    }
    (void)co_await socket.read(room, quoll::net::kNever);  // until the client leaves
  }

  quoll::net::Worker worker_{0};
  std::unique_ptr<quoll::net::Listener> listener_;
};

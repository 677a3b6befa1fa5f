// ScriptedServer: a server on a loopback port of its own whose every connection runs the test's script.
//
// The script is called on a thread per connection with a Peer and the connection's number from 1; when it returns the
// connection is closed. The destructor ends everything: it shuts the sockets down, which makes every read fail.
//
// For tests only. Thread-safe.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "quoll/base/assert.h"
#include "quoll/base/mutex.h"

namespace quoll::lab::loadgen {

// One connection, blocking.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  // One request without a body: its head, or empty when the client is gone.
  std::string read_request() {
    std::string head;
    char c = 0;
    while (head.size() < 4 || std::string_view(head).substr(head.size() - 4) != "\r\n\r\n") {
      if (recv(fd_, &c, 1, 0) != 1) return "";
      head += c;
    }
    return head;
  }
  bool read_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    return recv(fd_, bytes.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
  }
  bool send(std::string_view bytes) {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // Until the client closes.
  void hang() {
    char c = 0;
    while (recv(fd_, &c, 1, 0) == 1) {
    }
  }
  // The close that follows will be a reset.
  void reset_on_close() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  int fd_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer& peer, int connection)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    QUOLL_ASSERT(bind(listener_, generic, size) == 0 && listen(listener_, 1024) == 0);
    QUOLL_ASSERT(getsockname(listener_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      const MutexLock lock(mutex_);
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  int accepted() const { return accepted_.load(); }

 private:
  void accept_all() {
    while (true) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      {
        const MutexLock lock(mutex_);
        open_.push_back(fd);
      }
      const int number = accepted_.fetch_add(1) + 1;
      threads_.emplace_back([this, fd, number] {
        Peer peer(fd);
        script_(peer, number);
        const MutexLock lock(mutex_);
        std::erase(open_, fd);
        close(fd);
      });
    }
  }

  Script script_;
  int listener_;
  int port_ = 0;
  std::atomic<int> accepted_{0};
  Mutex mutex_;
  std::vector<int> open_ QUOLL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;  // touched by the acceptor, then by the destructor
  std::thread acceptor_;
};

}  // namespace quoll::lab::loadgen

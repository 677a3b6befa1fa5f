// ScriptedServer: a server on a loopback port of its own that does with each connection what the test's script says.
//
// The script runs on a thread of its own for each connection; when it returns, the connection is closed. stop(), and
// the destructor, end everything: they cut the connections, which ends every wait of a script.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "quoll/testing/wire.h"

namespace quoll::testing {

class ScriptedServer {
 public:
  // nth: counts connections from 0.
  using Script = std::function<void(Wire& wire, int nth)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)), thread_([this] { run(); }) {}
  ~ScriptedServer() { stop(); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // Closes everything: a client that connects from now on is refused.
  void stop() {
    if (stopping_.exchange(true)) return;
    port_.shut();
    thread_.join();
    port_.close();
    {
      const std::lock_guard lock(mutex_);
      for (Served& served : served_) {
        if (served.wire) served.wire->cut();
      }
    }
    for (Served& served : served_) served.thread.join();
  }
  std::uint16_t port() const { return port_.port(); }
  std::string url(std::string_view path = "") const {
    return "http://127.0.0.1:" + std::to_string(port()) + std::string(path);
  }
  int connections() const { return connections_.load(); }
  // Connections whose script has ended: their end, and all that was sent before it, is on its way.
  int ended() const { return ended_.load(); }

 private:
  struct Served {
    std::unique_ptr<Wire> wire;
    std::thread thread;
  };
  void run() {
    while (Fd accepted = port_.accept()) {
      const int nth = connections_++;
      Served& served = served_.emplace_back();
      served.wire = std::make_unique<Wire>(std::move(accepted));
      served.thread = std::thread([this, &served, nth] {
        script_(*served.wire, nth);
        const std::lock_guard lock(mutex_);
        served.wire.reset();
        ++ended_;
      });
    }
  }

  Script script_;
  ListeningPort port_;
  std::atomic<int> connections_{0};
  std::atomic<int> ended_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::list<Served> served_;
  std::thread thread_;
};

// Reads requests and gives each the same answer.
inline ScriptedServer::Script always(std::string answer) {
  return [answer = std::move(answer)](Wire& wire, int) {
    while (wire.read_request().whole) {
      if (!wire.send(answer)) return;
    }
  };
}

}  // namespace quoll::testing

// ScriptedPlane: the data plane of one worker with its clients and its upstream on paper: no socket, no thread, and
// time that moves when the test says so.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "quoll/proxy/data/connection.h"
#include "quoll/testing/scripted_loop.h"
#include "quoll/testing/scripted_stream.h"
#include "quoll/testing/wait.h"

namespace quoll::proxy::testing {

using quoll::testing::FailNth;
using quoll::testing::OtherEnd;
using quoll::testing::ScriptedConnector;

inline std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
inline std::string post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string answer(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

// The first request in what an other end has received, without its body; empty when it is not whole. Takes it away.
inline std::string take_request(OtherEnd& far) {
  const std::size_t end = far.received.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  std::string head = far.received.substr(0, end + 4);
  std::size_t body = 0;
  if (const std::size_t at = head.find("Content-Length: "); at != std::string::npos) {
    body = std::stoul(head.substr(at + 16));
  }
  if (far.received.size() < head.size() + body) return {};
  far.received.erase(0, head.size() + body);
  return head;
}
inline std::string path_of(const std::string& head) {
  const std::size_t from = head.find(' ') + 1;
  return head.substr(from, head.find(' ', from) - from);
}

// An upstream that answers each request with its path, as soon as it is whole.
inline void answers_its_path(OtherEnd& far) {
  far.on_received = [](OtherEnd& to) {
    for (std::string head = take_request(to); !head.empty(); head = take_request(to)) {
      to.send(answer(200, path_of(head)));
    }
  };
}

class ScriptedPlane {
 public:
  explicit ScriptedPlane(const std::function<void(ProxyOptions&)>& tweak = nullptr, FailNth* faults = nullptr)
      : options_(make_options(tweak)),
        admission_(options_, registry_),
        metrics_(registry_),
        routes_(options_, std::span(&kUpstream, 1), 1, registry_, log_),
        upstream(loop.loop(), faults),
        faults_(faults) {
    upstream.on_connect = [](OtherEnd& far, int) { answers_its_path(far); };
  }
  ~ScriptedPlane() {
    for (const auto& far : clients_) far->abandon();
    for (const auto& far : upstream.made) far->abandon();
    loop.worker().destroy_tasks();
  }
  ScriptedPlane(const ScriptedPlane&) = delete;
  ScriptedPlane& operator=(const ScriptedPlane&) = delete;

  // A client that has just been accepted.
  OtherEnd& client(bool faulty = true) {
    auto [stream, far] = quoll::testing::scripted_stream(loop.loop(), "client", faulty ? faults_ : nullptr);
    clients_.push_back(far);
    connections_.fetch_add(1);
    net::spawn(loop.loop().executor, serve(std::move(stream)));
    loop.run();
    return *far;
  }
  // Sends a request on a connection of its own; what has come back once all is done that needs no time.
  OtherEnd& ask(const std::string& request, bool faulty = true) {
    OtherEnd& far = client(faulty);
    far.send(request);
    loop.run();
    return far;
  }

  std::size_t connections() const { return connections_.load(); }
  Circuit& circuit() { return routes_[0].circuit; }
  std::size_t kept() { return state_.pools[0].idle(); }
  std::uint64_t event(Event which) { return circuit().events(which); }
  std::uint64_t attempts(AttemptEnd which) { return circuit().attempts(which); }
  WorkerState& state() { return state_; }
  // The first lines of the log, once there are so many: they are written by a thread of the log's own.
  std::vector<std::string> lines(std::size_t count) {
    const auto there = [&] {
      const std::lock_guard lock(lines_mutex_);
      return lines_.size() >= count;
    };
    EXPECT_TRUE(quoll::testing::eventually(there));
    const std::lock_guard lock(lines_mutex_);
    return lines_;
  }

 private:
  struct NoPages final : OwnPages {
    std::string_view page_of(std::string_view) const override { return {}; }
    net::Task<PageAnswer> make(std::string_view, std::string_view) override { co_return PageAnswer{}; }
  };

  static ProxyOptions make_options(const std::function<void(ProxyOptions&)>& tweak) {
    ProxyOptions options;
    options.fallback = false;
    if (tweak) tweak(options);
    EXPECT_TRUE(options.validate().empty());
    return options;
  }
  net::Task<void> serve(std::unique_ptr<net::Stream> stream) {
    co_await Connection::serve(state_, *stream, {kClient, kListener});
  }

  inline static const net::TcpEndpoint kClient{net::asio::ip::make_address("192.0.2.1"), 54321};
  inline static const net::TcpEndpoint kListener{net::asio::ip::make_address("192.0.2.3"), 3000};
  inline static const net::TcpEndpoint kUpstream{net::asio::ip::make_address("192.0.2.2"), 80};

  const ProxyOptions options_;
  telemetry::Registry registry_;
  std::mutex lines_mutex_;
  std::vector<std::string> lines_;
  telemetry::Log log_{{.format = telemetry::LogFormat::json, .sink = [this](std::string_view line) {
                         const std::lock_guard lock(lines_mutex_);
                         lines_.emplace_back(line);
                       }}};
  AdmissionGate admission_;
  Metrics metrics_;
  Routes routes_;
  NoPages pages_;
  std::atomic<std::size_t> connections_{0};
  const Shared shared_{options_, routes_, metrics_, admission_, log_, pages_, 1, connections_};

 public:
  quoll::testing::ScriptedLoop loop;
  ScriptedConnector upstream;

 private:
  FailNth* faults_;
  WorkerState state_{loop.worker(), upstream, shared_};
  std::list<std::shared_ptr<OtherEnd>> clients_;
};

}  // namespace quoll::proxy::testing

// A proxy in this process between a scripted upstream and blocking clients, all on loopback, on ports the kernel chose.
//
// Written for tests only. Thread-compatible; the upstream's scripts run on threads of their own.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "quoll/proxy/proxy.h"
#include "quoll/testing/scripted_server.h"
#include "quoll/testing/wait.h"
#include "quoll/testing/wire.h"

namespace quoll::proxy::testing {

using quoll::testing::always;
using quoll::testing::Message;
using quoll::testing::Wire;
using quoll::testing::WireEnd;
using ScriptedUpstream = quoll::testing::ScriptedServer;

inline std::string answer(int status, std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " Word\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

inline std::string get(std::string_view path = "/", std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: svc.test\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: svc.test\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

using quoll::testing::eventually;
using quoll::testing::spend;

class Testbed {
 public:
  using Tweak = std::function<void(ProxyOptions&)>;

  explicit Testbed(ScriptedUpstream::Script script, const Tweak& tweak = nullptr) : upstream(std::move(script)) {
    ProxyOptions options;
    options.listen = options.admin = "127.0.0.1:0";
    options.upstream = "http://127.0.0.1:" + std::to_string(upstream.port());
    options.timeout = std::chrono::seconds(10);  // generous: what a test is not about must not happen
    options.log_level = telemetry::LogLevel::off;
    if (tweak) tweak(options);
    auto made = Proxy::create(options, kSeed);
    if (!made) {
      ADD_FAILURE() << made.error().message;
      std::abort();
    }
    proxy = std::move(*made);
    proxy->start();
  }

  Wire client() const { return Wire::to(proxy->listen_endpoint().port()); }
  Message ask(std::string_view request, bool bodiless = false) const { return client().ask(request, bodiless); }
  Message admin(std::string_view request) const { return Wire::to(proxy->admin_endpoint().port()).ask(request); }
  Message control(std::string_view path, std::string_view body = "") const {
    return admin("POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }
  // A sample of /metrics: its name with labels as exposed. One that is not there fails the test: a misspelt name would
  // be 0 for ever, and most claims about counters are that they are 0.
  double metric(const std::string& sample) const {
    const std::optional<double> value = metric_if_there(sample);
    EXPECT_TRUE(value) << "/metrics has no sample " << sample;
    return value.value_or(std::nan(""));
  }
  // For a test that waits for a sample which is made with the first event that it counts.
  std::optional<double> metric_if_there(const std::string& sample) const {
    const std::string text = "\n" + admin("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body;
    const std::size_t at = text.find("\n" + sample + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::strtod(text.c_str() + at + sample.size() + 2, nullptr);
  }
  double event(std::string_view name) const {
    return metric("quoll_circuit_events_total{circuit=\"default\",event=\"" + std::string(name) + "\"}");
  }
  double attempts(std::string_view outcome) const {
    return metric("quoll_attempts_total{circuit=\"default\",outcome=\"" + std::string(outcome) + "\"}");
  }

  static constexpr std::uint64_t kSeed = 7;
  ScriptedUpstream upstream;
  std::unique_ptr<Proxy> proxy;
};

}  // namespace quoll::proxy::testing

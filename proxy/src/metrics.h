// Metrics: the proxy's own, made once; the hot path keeps references and indexes, never looks up by name.
//
// Thread-safe. RequestHistograms is loop-confined: one per worker.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "quoll/telemetry/registry.h"

namespace quoll::proxy {

// The methods that have a label of their own; every other one is "_OTHER", as OpenTelemetry has it.
inline constexpr std::array<std::string_view, 9> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                             "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// One duration histogram for each method and status of one route, found by index.
class RequestHistograms {
 public:
  // name: http_server_request_duration_seconds or http_client_request_duration_seconds.
  RequestHistograms(telemetry::Registry& registry, std::string name, std::string help, std::string route);

  void observe(std::string_view method, unsigned status, Duration took, unsigned shard);

 private:
  static constexpr unsigned kStatuses = 600;  // above: counted as 599

  telemetry::Registry& registry_;
  std::string name_;
  std::string help_;
  std::string route_;
  std::array<std::unique_ptr<std::array<telemetry::DurationHistogram*, kStatuses>>, kMethods.size() + 1> children_;
};

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  telemetry::Registry& registry;
  telemetry::DurationHistogram& queue_delay;
  telemetry::DurationHistogram& local_delay;
  telemetry::Gauge& client_connections;
  telemetry::Counter& connections_accepted;
  telemetry::Counter& connections_refused;
  telemetry::Counter& bad_requests;
  telemetry::Counter& upstream_connects;
  telemetry::Counter& upstream_resent;
  telemetry::Counter& bytes_from_clients;
  telemetry::Counter& bytes_to_clients;
};

}  // namespace quoll::proxy

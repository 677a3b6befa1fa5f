// Metrics: the proxy's own, made once; the hot path keeps references and indexes, never looks up by name.
//
// Thread-safe. RequestHistograms is loop-confined: one per worker.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/net/local_error.h"
#include "quoll/telemetry/registry.h"

namespace quoll::proxy {

// The methods that have a label of their own; every other one is "_OTHER", as OpenTelemetry has it.
inline constexpr std::array<std::string_view, 9> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                             "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// One duration histogram for each method and status of one route. They are few, and most requests want the one that the
// request before wanted.
class RequestHistograms {
 public:
  // name: http_server_request_duration_seconds or http_client_request_duration_seconds. The strings outlive this.
  RequestHistograms(telemetry::Registry& registry, const char* name, const char* help, const std::string& route)
      : registry_(&registry), name_(name), help_(help), route_(&route) {}

  void observe(std::string_view method, unsigned status, Duration took, unsigned shard);

 private:
  static constexpr unsigned kStatuses = 600;  // above: counted as 599

  struct Child {
    unsigned key;  // method and status
    telemetry::DurationHistogram* histogram;
  };
  telemetry::DurationHistogram& find(unsigned key);

  telemetry::Registry* registry_;
  const char* name_;
  const char* help_;
  const std::string* route_;
  Child last_{~0U, nullptr};
  std::vector<Child> children_;  // by key
};

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  // Calls that failed for want of something on this machine.
  telemetry::Counter& local_failures(net::LocalLack lack) {
    return *local_failures_by_lack[static_cast<std::size_t>(lack)];
  }

  telemetry::Registry& registry;
  telemetry::DurationHistogram& queue_delay;
  telemetry::DurationHistogram& local_delay;
  telemetry::Gauge& client_connections;
  telemetry::Counter& connections_accepted;
  telemetry::Counter& connections_refused;
  telemetry::Counter& bad_requests;
  telemetry::Counter& upstream_connects;
  telemetry::Counter& upstream_resent;
  telemetry::Counter& upstream_unasked;
  std::array<telemetry::Counter*, net::kLocalLacks> local_failures_by_lack;
  telemetry::Counter& bytes_from_clients;
  telemetry::Counter& bytes_to_clients;
};

}  // namespace quoll::proxy

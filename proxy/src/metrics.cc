#include "metrics.h"

#include <algorithm>

namespace quoll::proxy {

RequestHistograms::RequestHistograms(telemetry::Registry& registry, std::string name, std::string help,
                                     std::string route)
    : registry_(registry), name_(std::move(name)), help_(std::move(help)), route_(std::move(route)) {}

void RequestHistograms::observe(std::string_view method, unsigned status, Duration took, unsigned shard) {
  const auto found = std::find(kMethods.begin(), kMethods.end(), method);
  auto& by_status = children_[static_cast<std::size_t>(found - kMethods.begin())];
  if (!by_status) {
    by_status = std::make_unique<std::array<telemetry::DurationHistogram*, kStatuses>>();
    by_status->fill(nullptr);
  }
  auto& child = (*by_status)[std::min(status, kStatuses - 1)];
  if (child == nullptr) {
    const std::string label(found == kMethods.end() ? "_OTHER" : *found);
    child = &registry_.histogram(name_, help_,
                                 {{"http_request_method", label},
                                  {"http_route", route_},
                                  {"http_response_status_code", std::to_string(status)}});
  }
  child->observe(took, shard);
}

Metrics::Metrics(telemetry::Registry& r)
    : registry(r),
      queue_delay(r.histogram("quoll_queue_delay_seconds",
                              "Time a client's request waited between its arrival at this machine and our reading it.",
                              {}, telemetry::kLagBounds)),
      local_delay(
          r.histogram("quoll_local_delay_seconds",
                      "Time an upstream's answer waited between its arrival at this machine and our reading it.", {},
                      telemetry::kLagBounds)),
      client_connections(r.gauge("quoll_client_connections", "Open client connections.")),
      connections_accepted(r.counter("quoll_client_connections_accepted_total", "Client connections accepted.")),
      connections_refused(
          r.counter("quoll_client_connections_refused_total", "Client connections closed at once: at the limit.")),
      bad_requests(r.counter("quoll_bad_requests_total", "Requests refused because they were malformed or too large.")),
      upstream_connects(r.counter("quoll_upstream_connects_total", "Connections opened to upstreams.")),
      upstream_resent(r.counter("quoll_upstream_resent_total",
                                "Requests sent again because a kept connection turned out to be closed.")),
      bytes_from_clients(r.counter("quoll_request_body_bytes_total", "Body bytes received from clients.")),
      bytes_to_clients(r.counter("quoll_response_body_bytes_total", "Body bytes sent to clients.")) {}

}  // namespace quoll::proxy

#include "quoll/proxy/data/metrics.h"

#include <algorithm>

namespace quoll::proxy {

void RequestHistograms::observe(std::string_view method, unsigned status, Duration took, unsigned shard) {
  const auto found = std::find(kMethods.begin(), kMethods.end(), method);
  const unsigned key = static_cast<unsigned>(found - kMethods.begin()) * kStatuses + std::min(status, kStatuses - 1);
  if (key != last_.key) last_ = {key, &find(key)};
  last_.histogram->observe(took, shard);
}

telemetry::DurationHistogram& RequestHistograms::find(unsigned key) {
  const auto place = std::lower_bound(children_.begin(), children_.end(), key,
                                      [](const Child& child, unsigned wanted) { return child.key < wanted; });
  if (place != children_.end() && place->key == key) return *place->histogram;
  const std::size_t method = key / kStatuses;
  const std::string_view label = method < kMethods.size() ? kMethods[method] : "_OTHER";
  telemetry::DurationHistogram& made =
      registry_->histogram(name_, help_,
                           {{"http_request_method", std::string(label)},
                            {"http_route", *route_},
                            {"http_response_status_code", std::to_string(key % kStatuses)}});
  children_.insert(place, {key, &made});
  return made;
}

namespace {

std::array<telemetry::Counter*, net::kLocalLacks> local_failure_counters(telemetry::Registry& registry) {
  std::array<telemetry::Counter*, net::kLocalLacks> out{};
  for (std::size_t i = 1; i < out.size(); ++i) {
    out[i] =
        &registry.counter("quoll_local_failures_total",
                          "Calls that failed for want of something on this machine; not held against the upstream.",
                          {{"reason", net::word(static_cast<net::LocalLack>(i))}});
  }
  return out;
}

}  // namespace

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
      connections_refused(r.counter("quoll_client_connections_refused_total",
                                    "Client connections answered with 503 and closed: at the limit.")),
      bad_requests(r.counter("quoll_bad_requests_total", "Requests refused because they were malformed or too large.")),
      upstream_connects(r.counter("quoll_upstream_connects_total", "Connections opened to upstreams.")),
      upstream_resent(r.counter("quoll_upstream_resent_total",
                                "Requests sent again because a kept connection turned out to be closed or spoilt.")),
      upstream_unasked(r.counter("quoll_upstream_unasked_total",
                                 "Connections closed because the upstream had sent bytes that nobody asked for.")),
      local_failures_by_lack(local_failure_counters(r)),
      bytes_from_clients(r.counter("quoll_request_body_bytes_total", "Body bytes received from clients.")),
      bytes_to_clients(r.counter("quoll_response_body_bytes_total", "Body bytes sent to clients.")) {}

}  // namespace quoll::proxy

// AdmissionGate: which requests this process takes on, by how long they lay in its sockets. One for all workers.
//
// The decision is core's AdmissionControl; this is what asks it, counts what it refused, and knows where a request's
// priority comes from.
//
// Thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "quoll/core/admission.h"
#include "quoll/http/head.h"
#include "quoll/proxy/config/options.h"
#include "quoll/telemetry/registry.h"

namespace quoll::proxy {

class AdmissionGate {
 public:
  // `options` must be valid; they and the registry outlive it.
  AdmissionGate(const ProxyOptions& options, telemetry::Registry& registry);

  // Once for each request. arrived_at: when the kernel received it; peer: the client's address.
  core::AdmissionDecision decide(const http::RequestHead& request, unsigned route_priority, std::string_view peer,
                                 TimePoint arrived_at, TimePoint now, unsigned shard) {
    if (!control_) return {};
    return ask(request, route_priority, peer, arrived_at, now, shard);
  }

  // Null when everything is admitted.
  const core::AdmissionControl* control() const { return control_ ? &*control_ : nullptr; }
  // Load is being shed: what gets through is not the normal traffic.
  bool shedding() const { return control_ && control_->snapshot().share < 1; }

 private:
  static constexpr std::size_t kReasons = 2;
  static constexpr std::size_t kMostPriorities = 8;

  core::AdmissionDecision ask(const http::RequestHead& request, unsigned route_priority, std::string_view peer,
                              TimePoint arrived_at, TimePoint now, unsigned shard);
  unsigned priority_of(const http::RequestHead& request, unsigned route_priority) const;

  const std::string& header_;  // empty: the route's priority holds
  const bool fair_;
  std::optional<core::AdmissionControl> control_;
  std::array<std::array<telemetry::Counter*, kMostPriorities>, kReasons> shed_{};
};

}  // namespace quoll::proxy

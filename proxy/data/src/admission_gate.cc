#include "quoll/proxy/data/admission_gate.h"

#include <functional>

#include "quoll/http/fields.h"

namespace quoll::proxy {

AdmissionGate::AdmissionGate(const ProxyOptions& options, telemetry::Registry& registry)
    : header_(options.priority_header), fair_(options.admission_control.fair) {
  if (options.admission) control_.emplace(options.admission_control);
  for (const auto reason : {core::ShedReason::overload, core::ShedReason::too_old}) {
    for (unsigned priority = 0; priority < options.admission_control.priorities; ++priority) {
      shed_[reason == core::ShedReason::overload ? 0 : 1][priority] =
          &registry.counter("quoll_shed_total", "Requests refused because more came than can be served in time.",
                            {{"reason", core::to_string(reason)}, {"priority", std::to_string(priority)}});
    }
  }
  registry.gauge_fn("quoll_admission_share", "Share of the requests that is admitted; 1 when nothing is shed.", {},
                    [this] { return control_ ? control_->snapshot().share : 1; });
}

core::AdmissionDecision AdmissionGate::ask(const http::RequestHead& request, unsigned route_priority,
                                           std::string_view peer, TimePoint arrived_at, TimePoint now, unsigned shard) {
  const unsigned priority = std::min(priority_of(request, route_priority), control_->options().priorities - 1);
  const core::AdmissionDecision decision = control_->decide(
      {.arrived_at = arrived_at, .priority = priority, .client = fair_ ? std::hash<std::string_view>()(peer) : 0}, now,
      shard);
  if (!decision) shed_[decision.reason == core::ShedReason::overload ? 0 : 1][priority]->add(1, shard);
  return decision;
}

unsigned AdmissionGate::priority_of(const http::RequestHead& request, unsigned route_priority) const {
  if (header_.empty()) return route_priority;
  for (const http::Field& field : request.fields) {
    if (field.name.size() != header_.size() || !http::iequals(field.name, header_)) continue;
    const bool digit = field.value.size() == 1 && field.value.front() >= '0' && field.value.front() <= '7';
    return digit ? static_cast<unsigned>(field.value.front() - '0') : route_priority;
  }
  return route_priority;
}

}  // namespace quoll::proxy

#include "call_limit.h"

#include "quoll/http/fields.h"
#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

constexpr std::string_view kDeadlineField = "grpc-timeout";
// For the answer's way back to us, on a network within a building.
constexpr Duration kWayBack = std::chrono::milliseconds(1);

}  // namespace

bool is_deadline_field(std::string_view name) {
  return name.size() == kDeadlineField.size() && http::iequals(name, kDeadlineField);
}

core::Deadline client_deadline(const Exchange& x) {
  for (const http::Field& field : x.request.fields) {
    if (!is_deadline_field(field.name)) continue;
    const auto told = core::parse_grpc_timeout(field.value);
    return told ? core::Deadline::in(*told, x.arrived_at) : core::Deadline();
  }
  return {};
}

void append_deadline(std::string& out, const CallLimit& limit, TimePoint now) {
  const core::Deadline deadline = limit.clients.earlier(core::Deadline::in(limit.timeout, now));
  http::append_field(out, kDeadlineField, core::format_grpc_timeout(deadline.to_propagate(now, kWayBack)));
}

}  // namespace quoll::proxy

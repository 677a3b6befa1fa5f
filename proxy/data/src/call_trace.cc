#include "call_trace.h"

#include "quoll/http/fields.h"
#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

constexpr std::string_view kParent = "traceparent";
constexpr std::string_view kState = "tracestate";

std::optional<telemetry::TraceContext> clients_context(const http::FieldList& fields) {
  std::optional<telemetry::TraceContext> out;
  std::size_t found = 0;
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, kParent)) continue;
    if (++found > 1) return std::nullopt;
    if (const auto context = telemetry::parse_traceparent(field.value)) out = *context;
  }
  return out;
}

}  // namespace

CallTrace::CallTrace(const http::RequestHead& request, TraceKind kind, Rng& ids)
    : handled_(kind != TraceKind::off), ids_(ids) {
  if (!handled_) return;
  parent_ = clients_context(request.fields);
  continued_ = parent_.has_value();
  // Sampled: an upstream that decides by its caller's flag, as most do, goes on as it did before we stood in front.
  if (!parent_ && kind == TraceKind::create) parent_ = telemetry::new_trace(ids_, true);
  span_ = parent_;
}

bool CallTrace::passes(std::string_view field) const {
  if (!handled_ || field.size() < kState.size() || field.size() > kParent.size()) return true;
  if (http::iequals(field, kParent)) return false;
  return continued_ || !http::iequals(field, kState);
}

std::string_view CallTrace::append_to(std::string& head) {
  constexpr std::size_t kIdAt = 3;
  constexpr std::size_t kIdSize = 32;
  if (!parent_) return {};
  span_ = telemetry::child_of(*parent_, ids_);
  const auto text = telemetry::format_traceparent(*span_);
  http::append_clean_field(head, kParent, {text.data(), text.size()});
  if (continued_) return {};
  constexpr std::size_t kAfter = 2;  // CRLF
  return std::string_view(head).substr(head.size() - kAfter - text.size() + kIdAt, kIdSize);
}

}  // namespace quoll::proxy

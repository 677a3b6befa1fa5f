#include "quoll/proxy/data/reply.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/http/write.h"
#include "quoll/telemetry/json.h"

namespace quoll::proxy {

const char* to_string(FallbackReason reason) {
  switch (reason) {
    case FallbackReason::open:
      return "open";
    case FallbackReason::timeout:
      return "timeout";
    case FallbackReason::error:
      return "error";
    case FallbackReason::limit:
      return "limit";
  }
  return "error";
}

bool falls_back(const RouteSettings& settings, std::string_view method) {
  const std::vector<std::string>& methods = settings.fallback_methods;
  return settings.fallback && (methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end());
}

void append_reply(std::string& out, const Reply& reply) {
  http::append_status_line(out, reply.status);
  std::array<char, http::kHttpDateBytes> date;
  http::append_field(out, "Date", http::format_http_date(date, wall_now()));
  if (!reply.content_type.empty()) http::append_field(out, "Content-Type", reply.content_type);
  // (Not in an answer that cannot have a body: RFC 9110 section 8.6.)
  if (reply.status != 204) http::append_field(out, "Content-Length", reply.body.size());
  out += reply.fields;
  if (!reply.keep_alive) {
    http::append_field(out, "Connection", "close");
  } else if (reply.old_client) {
    http::append_field(out, "Connection", "keep-alive");
  }
  http::append_head_end(out);
  if (!reply.head_only) out += reply.body;
}

namespace {

void put_circuit(telemetry::JsonWriter& json, const Route& route) {
  json.key("circuit").begin_object().member("name", route.circuit.name());
  json.member("state", core::to_string(route.circuit.breaker().state())).end_object();
}

}  // namespace

std::string error_json(std::string_view message) {
  return telemetry::json_object([&](telemetry::JsonWriter& json) { json.member("error", message); }) + "\n";
}

unsigned append_trouble(std::string& out, Route& route, const Trouble& trouble, const http::RequestHead& request,
                        std::string_view further_fields, bool keep_alive) {
  const std::string status = http::proxy_status_value({.error = trouble.error,
                                                       .details = trouble.details,
                                                       .next_hop = route.circuit.upstream(),
                                                       .received_status = trouble.received_status});
  std::string fields = fmt::format("Cache-Control: no-store\r\nProxy-Status: {}\r\n{}", status, further_fields);
  Reply reply{
      .keep_alive = keep_alive, .old_client = request.minor_version == 0, .head_only = request.method == "HEAD"};

  std::string body;
  if (falls_back(route.options, request.method)) {
    fields += fmt::format("Quoll-Fallback: {}\r\n", to_string(trouble.reason));
    if (!route.options.fallback_file.empty()) {
      reply.content_type = route.fallback_type;
      reply.body = *route.fallback_body;
    } else {
      body = telemetry::json_object([&](telemetry::JsonWriter& json) {
        json.member("message", "The service cannot answer right now; this is a fallback.");
        json.member("reason", to_string(trouble.reason)).member("timestamp", format_rfc3339(wall_now()));
        put_circuit(json, route);
      });
    }
    route.circuit.count(Event::fallback, telemetry::this_thread_shard());
  } else {
    const bool refused = trouble.reason == FallbackReason::open || trouble.reason == FallbackReason::limit ||
                         trouble.error == http::ProxyError::proxy_internal_error;
    reply.status = refused ? 503 : trouble.reason == FallbackReason::timeout ? 504 : 502;
    body = telemetry::json_object([&](telemetry::JsonWriter& json) {
      json.member("error", trouble.details);
      put_circuit(json, route);
    });
  }
  if (trouble.retry_after > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(trouble.retry_after);
    fields += fmt::format("Retry-After: {}\r\n", seconds.count());
  }
  body += '\n';
  if (reply.body.empty()) reply.body = body;
  reply.fields = fields;
  append_reply(out, reply);
  return reply.status;
}

void append_bad_request(std::string& out, unsigned status, std::string_view message, bool head_only,
                        std::string_view further_fields) {
  const std::string fields = fmt::format(
      "Proxy-Status: {}\r\n{}",
      http::proxy_status_value({.error = http::ProxyError::http_request_error, .details = message}), further_fields);
  const std::string body = error_json(message);
  append_reply(out, {.status = status, .body = body, .fields = fields, .keep_alive = false, .head_only = head_only});
}

}  // namespace quoll::proxy

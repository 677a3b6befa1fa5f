#include "quoll/http/proxy_status.h"

#include "chars.h"
#include "quoll/http/fields.h"

namespace quoll::http {
namespace {

// A structured field's token (RFC 8941 section 3.3.4): starts with a letter or '*'.
bool is_sf_token(std::string_view text) {
  return is_token(text) && ((is_alnum(text.front()) && !is_digit(text.front())) || text.front() == '*');
}

}  // namespace

std::string_view to_string(ProxyError error) {
  switch (error) {
    case ProxyError::dns_timeout:
      return "dns_timeout";
    case ProxyError::dns_error:
      return "dns_error";
    case ProxyError::destination_not_found:
      return "destination_not_found";
    case ProxyError::destination_unavailable:
      return "destination_unavailable";
    case ProxyError::connection_refused:
      return "connection_refused";
    case ProxyError::connection_terminated:
      return "connection_terminated";
    case ProxyError::connection_timeout:
      return "connection_timeout";
    case ProxyError::connection_read_timeout:
      return "connection_read_timeout";
    case ProxyError::connection_write_timeout:
      return "connection_write_timeout";
    case ProxyError::connection_limit_reached:
      return "connection_limit_reached";
    case ProxyError::http_response_incomplete:
      return "http_response_incomplete";
    case ProxyError::http_response_header_section_size:
      return "http_response_header_section_size";
    case ProxyError::http_response_timeout:
      return "http_response_timeout";
    case ProxyError::http_protocol_error:
      return "http_protocol_error";
    case ProxyError::http_request_error:
      return "http_request_error";
    case ProxyError::http_request_denied:
      return "http_request_denied";
    case ProxyError::http_upgrade_failed:
      return "http_upgrade_failed";
    case ProxyError::proxy_internal_error:
      return "proxy_internal_error";
    case ProxyError::proxy_internal_response:
      return "proxy_internal_response";
    case ProxyError::proxy_configuration_error:
      return "proxy_configuration_error";
    case ProxyError::proxy_loop_detected:
      return "proxy_loop_detected";
  }
  return "proxy_internal_error";
}

std::string structured_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= 0x20 && c < 0x7f ? c : '?';
  }
  out += '"';
  return out;
}

std::string proxy_status_value(const ProxyStatus& status) {
  std::string out = is_sf_token(status.proxy) ? std::string(status.proxy) : structured_string(status.proxy);
  out += "; error=";
  out += to_string(status.error);
  if (status.received_status != 0) out += "; received-status=" + std::to_string(status.received_status);
  if (!status.next_hop.empty()) out += "; next-hop=" + structured_string(status.next_hop);
  if (!status.details.empty()) out += "; details=" + structured_string(status.details);
  return out;
}

}  // namespace quoll::http

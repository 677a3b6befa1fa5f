// Proxy-Status (RFC 9209): says, in an answer that a proxy made up itself, what happened and why, in words a machine
// can read: `Proxy-Status: quoll; error=connection_timeout; details="circuit open"`.
//
// Thread-safe: free functions without state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quoll::http {

// The registered proxy error types (RFC 9209 section 2.3) that Quoll reports.
enum class ProxyError : std::uint8_t {
  dns_timeout,
  dns_error,
  destination_not_found,
  destination_unavailable,  // the circuit is open, or no endpoint is left
  connection_refused,
  connection_terminated,
  connection_timeout,
  connection_read_timeout,
  connection_write_timeout,
  connection_limit_reached,
  http_response_incomplete,
  http_response_header_section_size,
  http_response_timeout,
  http_protocol_error,
  http_request_error,
  http_request_denied,
  http_upgrade_failed,
  proxy_internal_error,
  proxy_internal_response,
  proxy_configuration_error,
  proxy_loop_detected,
};

// The registered token, such as "connection_timeout".
std::string_view to_string(ProxyError error);

// A structured-field string (RFC 8941 section 3.3.3): quoted, with '"' and '\' escaped and anything but printable
// ASCII replaced by '?'.
std::string structured_string(std::string_view text);

struct ProxyStatus {
  std::string_view proxy = "quoll";  // a token, or any text (then quoted)
  ProxyError error = ProxyError::proxy_internal_error;
  std::string_view details = {};   // free text for people; left out when empty
  std::string_view next_hop = {};  // "10.0.0.1:3001"; left out when empty
  unsigned received_status = 0;    // what the upstream answered; left out when 0
};

// The field's value.
std::string proxy_status_value(const ProxyStatus& status);

}  // namespace quoll::http

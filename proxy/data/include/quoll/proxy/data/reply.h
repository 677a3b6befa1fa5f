// Answers that the proxy makes itself: the fallback, errors, and its pages. Each that stands in for an upstream's
// answer carries Proxy-Status (RFC 9209) with the cause.
//
// Thread-safe: free functions.
#pragma once

#include <string>
#include <string_view>

#include "quoll/core/breaker_types.h"
#include "quoll/http/proxy_status.h"
#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

// Why the upstream's answer is not what the client gets. limit: as many calls as may be were under way; only where a
// concurrency limit is set.
enum class FallbackReason : std::uint8_t { open, timeout, error, limit };
const char* to_string(FallbackReason reason);

struct Trouble {
  FallbackReason reason = FallbackReason::error;
  http::ProxyError error = http::ProxyError::proxy_internal_error;
  std::string_view details = {};
  Duration retry_after{};        // zero: nothing to say
  unsigned received_status = 0;  // what the upstream had answered; 0 for nothing
};

struct Reply {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string_view body = {};
  std::string_view fields = {};  // further ones, each ended by CRLF
  bool keep_alive = true;
  bool old_client = false;  // HTTP/1.0: a connection that is kept has to be announced
  bool head_only = false;   // the answer to HEAD
};

// The whole message, head and body.
void append_reply(std::string& out, const Reply& reply);

// Whether a request of this method gets the fallback in place of an error.
bool falls_back(const RouteSettings& settings, std::string_view method);

// What a client gets for a call that could not be made or failed: the fallback, or 503, 504, 502. The status is
// returned. `further_fields`, each ended by CRLF, go along.
unsigned append_trouble(std::string& out, Route& route, const Trouble& trouble, const http::RequestHead& request,
                        std::string_view further_fields, bool keep_alive);

// The body of an answer of the proxy's own that is an error: an object with the message, on a line.
std::string error_json(std::string_view message);

// For a request that is refused as malformed or too large; the connection is to be closed. `head_only`: it was a HEAD
// request, or began as one.
void append_bad_request(std::string& out, unsigned status, std::string_view message, bool head_only,
                        std::string_view further_fields = {});

}  // namespace quoll::proxy

#include "upstream_head.h"

#include "max_forwards.h"
#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

bool named(const http::Field& field, std::string_view name) {
  return field.name.size() == name.size() && http::iequals(field.name, name);
}

// What of the client's fields concerns the rest of the head.
struct Passed {
  bool takes_trailers = false;
};

Passed append_fields(std::string& out, const http::RequestHead& head, const CallTrace& trace) {
  Passed passed;
  // An expectation is the upstream's to meet (RFC 9110 section 10.1.1). One without a body, or from HTTP/1.0, is none.
  const bool expects = head.expect_continue && head.framing != http::Framing::none;
  const std::optional<std::uint32_t> max_forwards = MaxForwards(head).next();
  const http::EndToEnd passes(head.fields, head.connection_names_fields);
  for (const http::Field& field : head.fields) {
    if (named(field, "host")) continue;  // ours stands first
    if (!passes(field.name)) {
      // Trailers can be taken on from chunks to chunks, if the next one wants them.
      if (named(field, "te") && http::list_contains(field.value, "trailers")) passed.takes_trailers = true;
      if (head.framing != http::Framing::chunked || !named(field, "trailer")) continue;
    } else if (is_deadline_field(field.name) || !trace.passes(field.name)) {
      continue;  // ours stand for them
    } else if (named(field, "expect")) {
      if (!expects) continue;
    } else if (max_forwards && named(field, "max-forwards")) {
      http::append_field(out, field.name, *max_forwards);
      continue;
    }
    http::append_clean_field(out, field.name, field.value);
  }
  return passed;
}

void append_connection(std::string& out, bool takes_trailers, bool upgrade) {
  if (takes_trailers) out += "TE: trailers\r\n";
  if (upgrade) out += "Upgrade: websocket\r\n";
  if (takes_trailers || upgrade) {
    out += !upgrade ? "Connection: TE\r\n" : takes_trailers ? "Connection: upgrade, TE\r\n" : "Connection: upgrade\r\n";
  }
}

bool has_websocket(const http::FieldList& fields) {
  for (const http::Field& field : fields) {
    if (named(field, "upgrade") && http::list_contains(field.value, "websocket")) return true;
  }
  return false;
}

}  // namespace

bool asks_for_websocket(const http::RequestHead& request) {
  return request.upgrade && request.method == "GET" && request.framing == http::Framing::none &&
         has_websocket(request.fields);
}

bool switches_to_websocket(const Exchange& x) {
  return asks_for_websocket(x.request) && x.response.minor_version > 0 && has_websocket(x.response.fields);
}

void compose_upstream_head(Session& s, const CallLimit& limit, CallTrace& trace) {
  Exchange& x = s.exchange;
  const http::RequestHead& head = x.request;
  x.out.clear();
  http::append_request_line(x.out, head.method, head.path);
  // An absolute target's authority overrides Host (RFC 9112 section 3.2.2); head.host is the one that holds.
  const bool has_host = !head.host.empty();
  http::append_clean_field(x.out, "Host", has_host ? head.host : std::string_view(s.route.circuit.upstream()));
  trace.append_to(x.out);
  const Passed passed = append_fields(x.out, head, trace);
  if (head.framing == http::Framing::chunked) http::append_framing(x.out, http::Framing::chunked);
  append_connection(x.out, passed.takes_trailers && head.minor_version > 0, asks_for_websocket(head));
  if (!limit.clients.unlimited() || s.route.options.policies.propagate_deadline) {
    append_deadline(x.out, limit, s.now());
  }
  http::append_clean_field(x.out, "X-Forwarded-For", s.peer);
  x.out += head.minor_version == 0 ? "Via: 1.0 quoll\r\n" : "Via: 1.1 quoll\r\n";
  http::append_head_end(x.out);
}

}  // namespace quoll::proxy

#include "upstream_head.h"

#include "forwarded.h"
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
  bool request_id = false;
  ForwardedByClient forwarded;
};

class FieldFilter {
 public:
  FieldFilter(const Session& s, const CallTrace& trace)
      : head_(s.exchange.request),
        trace_(trace),
        trusted_(s.options().trusted_hops > 0),
        max_forwards_(MaxForwards(head_).next()) {}

  // Appends the fields that go on, as they came but for those that are counted.
  void append_to(std::string& out) {
    const http::EndToEnd passes(head_.fields, head_.connection_names_fields);
    for (const http::Field& field : head_.fields) {
      if (named(field, "host")) continue;  // ours stands first
      const bool on = passes(field.name) ? end_to_end(out, field) : hop_by_hop(field);
      if (on) http::append_clean_field(out, field.name, field.value);
    }
  }
  const Passed& passed() const { return passed_; }

 private:
  bool hop_by_hop(const http::Field& field) {
    // Trailers can be taken on from chunks to chunks, if the next one wants them.
    if (named(field, "te") && http::list_contains(field.value, "trailers")) passed_.takes_trailers = true;
    return head_.framing == http::Framing::chunked && named(field, "trailer");
  }
  bool end_to_end(std::string& out, const http::Field& field) {
    switch (field.name.size()) {
      case 6:
        return !named(field, "expect") || expectation_goes_on(field.value);
      case 10:
      case 11:
        return trace_.passes(field.name);
      case 12:
        return of_twelve(out, field);
      case 16:
        return !named(field, "x-forwarded-host") || believed(passed_.forwarded.host);
      case 17:
        return !named(field, "x-forwarded-proto") || believed(passed_.forwarded.proto);
      default:
        return true;
    }
  }
  // An expectation is the upstream's to meet (RFC 9110 section 10.1.1). One of 100 without a body, or from HTTP/1.0, is
  // none.
  bool expectation_goes_on(std::string_view value) const {
    return (head_.expect_continue && head_.framing != http::Framing::none) || !http::iequals(value, "100-continue");
  }
  bool of_twelve(std::string& out, const http::Field& field) {
    if (is_deadline_field(field.name)) return false;  // ours follows
    if (named(field, RequestId::kField)) {
      if (field.value.empty() || passed_.request_id) return false;
      passed_.request_id = true;
    }
    if (!max_forwards_ || !named(field, "max-forwards")) return true;
    http::append_field(out, field.name, *max_forwards_);
    return false;
  }
  // What a client says of itself goes on if proxies that we trust are in front of us.
  bool believed(bool& passed) {
    passed = passed || trusted_;
    return trusted_;
  }

  const http::RequestHead& head_;
  const CallTrace& trace_;
  const bool trusted_;
  const std::optional<std::uint32_t> max_forwards_;
  Passed passed_;
};

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
  // An absolute target's authority overrides Host (RFC 9112 section 3.2.2); head.host is the one that holds.
  const std::string_view host = head.host.empty() ? std::string_view(s.route.circuit.upstream()) : head.host;
  x.out.append(head.method).append(" ").append(head.path).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\n");
  if (const std::string_view id = trace.append_to(x.out); !id.empty()) s.request_id.take(id);
  FieldFilter filter(s, trace);
  filter.append_to(x.out);
  const Passed& passed = filter.passed();
  if (head.framing == http::Framing::chunked) http::append_framing(x.out, http::Framing::chunked);
  append_connection(x.out, passed.takes_trailers && head.minor_version > 0, asks_for_websocket(head));
  if (!limit.clients.unlimited() || s.route.options.policies.propagate_deadline) {
    append_deadline(x.out, limit, s.now());
  }
  append_forwarded(x.out, s, passed.forwarded);
  if (!passed.request_id) x.out.append("X-Request-Id: ").append(s.request_id.made(s.worker.trace_ids)).append("\r\n");
  x.out += head.minor_version == 0 ? "Via: 1.0 quoll\r\n\r\n" : "Via: 1.1 quoll\r\n\r\n";
}

}  // namespace quoll::proxy

#include "client_head.h"

#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

constexpr unsigned kNoContent = 204;
constexpr unsigned kUpgradeRequired = 426;

bool named(const http::Field& field, std::string_view name) {
  return field.name.size() == name.size() && http::iequals(field.name, name);
}

// What of the fields concerns the rest of the head.
struct Passed {
  bool dated = false;
  bool upgrade = false;  // the answer says which protocols its upstream would rather speak
};

Passed append_fields(std::string& out, const http::ResponseHead& head) {
  Passed passed;
  const bool bodiless = head.status == kNoContent;
  const http::EndToEnd passes(head.fields, head.connection_names_fields);
  for (const http::Field& field : head.fields) {
    if (!passes(field.name)) {
      // The one hop-by-hop field that is the answer's point (RFC 9110 section 15.5.22).
      if (head.status != kUpgradeRequired || !named(field, "upgrade")) continue;
      passed.upgrade = true;
    } else if (bodiless && named(field, "content-length")) {
      continue;  // RFC 9110 section 8.6
    }
    passed.dated = passed.dated || named(field, "date");
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return passed;
}

void append_connection(std::string& out, bool keep, bool old_client, bool upgrade) {
  if (upgrade) {
    out += keep ? "Connection: upgrade\r\n" : "Connection: upgrade, close\r\n";
  } else if (!keep) {
    out += "Connection: close\r\n";
  } else if (old_client) {
    out += "Connection: keep-alive\r\n";
  }
}

}  // namespace

ClientHead compose_client_head(Session& s, bool may_keep) {
  Exchange& x = s.exchange;
  const http::ResponseHead& head = x.response;
  const bool old_client = x.request.minor_version == 0;
  ClientHead out{.keep = may_keep};
  const bool unknown_length = head.framing == http::Framing::chunked || head.framing == http::Framing::until_close;
  if (unknown_length) {
    out.chunked = !old_client;
    out.keep = out.keep && out.chunked;
  }
  x.out.clear();
  http::append_status_line(x.out, head.status, head.reason);
  const Passed passed = append_fields(x.out, head);
  // A recipient with a clock adds what is missing (RFC 9110 section 6.6.1).
  if (!passed.dated) http::append_field(x.out, "Date", s.worker.date.at(wall_now()));
  if (out.chunked) http::append_framing(x.out, http::Framing::chunked);
  append_connection(x.out, out.keep, old_client, passed.upgrade && !old_client);
  http::append_head_end(x.out);
  return out;
}

}  // namespace quoll::proxy

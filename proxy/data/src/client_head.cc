#include "client_head.h"

#include <charconv>

#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

constexpr unsigned kNoContent = 204;
constexpr unsigned kSwitching = 101;
constexpr unsigned kUpgradeRequired = 426;

bool named(const http::Field& field, std::string_view name) {
  return field.name.size() == name.size() && http::iequals(field.name, name);
}

// What of the fields concerns the rest of the head.
struct Passed {
  bool dated = false;
  bool keep_alive = false;
  bool upgrade = false;  // the answer says which protocols its upstream would rather speak
};

Passed append_fields(std::string& out, const http::ResponseHead& head, bool with_trailers) {
  Passed passed;
  const bool bodiless = head.status == kNoContent || head.status < 200;
  const http::EndToEnd passes(head.fields, head.connection_names_fields);
  for (const http::Field& field : head.fields) {
    if (!passes(field.name)) {
      // The one hop-by-hop field that is the answer's point (RFC 9110 sections 15.2.2 and 15.5.22).
      const bool upgrade = (head.status == kUpgradeRequired || head.status == kSwitching) && named(field, "upgrade");
      passed.keep_alive = passed.keep_alive || named(field, "keep-alive");
      if (!upgrade && !(with_trailers && named(field, "trailer"))) continue;
      passed.upgrade = passed.upgrade || upgrade;
    } else if (bodiless && named(field, "content-length")) {
      continue;  // RFC 9110 section 8.6
    }
    passed.dated = passed.dated || named(field, "date");
    http::append_clean_field(out, field.name, field.value);
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

// An interim answer is whole or nothing: what else goes to the client comes behind it.
net::Task<bool> send_small(Session& s, std::string_view bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  std::span<iovec> pieces{&piece, 1};
  net::WriteResult written = s.client.write_now(pieces);
  if (written.status == net::IoStatus::would_block) {
    s.watch.answer_begins();
    written = co_await s.client.write(pieces, s.now() + s.options().client_gap);
  }
  co_return written.status == net::IoStatus::ok;
}

}  // namespace

net::Task<bool> send_interim(Session& s) {
  Exchange& x = s.exchange;
  x.out.clear();
  http::append_status_line(x.out, x.response.status, x.response.reason);
  append_fields(x.out, x.response, false);
  http::append_head_end(x.out);
  co_return co_await send_small(s, x.out);
}

net::Task<bool> send_continue(Session& s) {
  s.exchange.request.expect_continue = false;  // met
  co_return co_await send_small(s, http::kContinue);
}

Duration announced_rest(const http::ResponseHead& head) {
  constexpr std::string_view kTimeout = "timeout=";
  for (const http::Field& field : head.fields) {
    if (!named(field, "keep-alive")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      std::string_view member = rest.substr(0, comma);
      rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
      member.remove_prefix(std::min(member.find_first_not_of(" \t"), member.size()));
      if (!http::iequals(member.substr(0, kTimeout.size()), kTimeout)) continue;
      unsigned seconds = 0;
      const auto [end, error] =
          std::from_chars(member.data() + kTimeout.size(), member.data() + member.size(), seconds);
      if (error != std::errc()) continue;
      const Duration told = std::chrono::seconds(seconds);
      return std::max(told / 2, told - std::chrono::seconds(1));
    }
  }
  return Duration::max();
}

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
  const Passed passed = append_fields(x.out, head, out.chunked);
  if (passed.keep_alive) out.upstream_rest = announced_rest(head);
  // A recipient with a clock adds what is missing (RFC 9110 section 6.6.1).
  if (!passed.dated && head.status != kSwitching) http::append_clean_field(x.out, "Date", s.worker.date.at(wall_now()));
  if (out.chunked) http::append_framing(x.out, http::Framing::chunked);
  append_connection(x.out, out.keep, old_client, passed.upgrade && !old_client);
  http::append_head_end(x.out);
  return out;
}

}  // namespace quoll::proxy

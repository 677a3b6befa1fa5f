#include "forwarded.h"

#include <fmt/format.h>

#include "quoll/http/write.h"

namespace quoll::proxy {
namespace {

constexpr std::string_view kProto = "X-Forwarded-Proto: http\r\n";

// `Forwarded: for=...;proto=http` of a peer, up to where a host may follow.
std::string element_of(std::string_view peer) {
  if (peer.find(':') != peer.npos) return fmt::format("Forwarded: for=\"[{}]\";proto=http", peer);
  return fmt::format("Forwarded: for={};proto=http", peer);
}

}  // namespace

std::string forwarded_beginning(std::string_view peer) {
  return fmt::format("X-Forwarded-For: {}\r\n{}{};host=\"", peer, kProto, element_of(peer));
}

void append_forwarded(std::string& out, const Session& s, ForwardedByClient passed) {
  const ForwardedKind kind = s.options().forwarded;
  const std::string_view host = s.exchange.request.host;
  if (kind == ForwardedKind::both && !passed.proto && !passed.host && !host.empty()) {
    // (A host has no quote and no backslash.)
    out.append(s.forwarded_beginning).append(host).append("\"\r\nX-Forwarded-Host: ").append(host).append("\r\n");
    return;
  }
  if (kind == ForwardedKind::x_forwarded || kind == ForwardedKind::both) {
    http::append_clean_field(out, "X-Forwarded-For", s.peer);
    if (!passed.proto) out += kProto;
    if (!passed.host && !host.empty()) http::append_clean_field(out, "X-Forwarded-Host", host);
  }
  if (kind == ForwardedKind::rfc7239 || kind == ForwardedKind::both) {
    out += element_of(s.peer);
    if (!host.empty()) out.append(";host=\"").append(host).append(1, '"');
    out += "\r\n";
  }
}

std::string_view internal::find_client(const http::RequestHead& request, std::string_view peer,
                                       std::size_t trusted_hops) {
  // Of all the fields' entries, the Nth from the end; of fewer the first.
  std::string_view found = peer;
  for (std::size_t i = request.fields.size(); i-- > 0;) {
    const http::Field& field = request.fields[i];
    if (!http::iequals(field.name, "x-forwarded-for")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      std::string_view entry = comma == rest.npos ? rest : rest.substr(comma + 1);
      rest = comma == rest.npos ? std::string_view() : rest.substr(0, comma);
      while (!entry.empty() && (entry.front() == ' ' || entry.front() == '\t')) entry.remove_prefix(1);
      while (!entry.empty() && (entry.back() == ' ' || entry.back() == '\t')) entry.remove_suffix(1);
      if (entry.empty()) continue;
      found = entry;
      if (--trusted_hops == 0) return found;
    }
  }
  return found;
}

}  // namespace quoll::proxy

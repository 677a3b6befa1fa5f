#include "target.h"

#include <algorithm>

#include "chars.h"

namespace quoll::http {
namespace {

// Paths that are not in the target: of "http://host", and of the same with OPTIONS, which then asks about the server as
// a whole (RFC 9112 section 3.2.4).
constexpr std::string_view kRootPath = "/";
constexpr std::string_view kServerPath = "*";

bool is_port(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return true;
}

// A name or an IPv4 address (RFC 3986 section 3.2.2), not empty.
bool is_reg_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is_name_char(text[i])) {
      return false;
    }
  }
  return !text.empty();
}

// Up to 4 hex digits.
bool is_group(std::string_view text) {
  return !text.empty() && text.size() <= 4 && std::all_of(text.begin(), text.end(), is_hex);
}

// Four numbers of up to 255, without leading zeros.
bool is_ipv4(std::string_view text) {
  for (int part = 0;; ++part) {
    const std::string_view digits = text.substr(0, text.find('.'));
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) return false;
    int value = 0;
    for (const char c : digits) {
      if (!is_digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    if (digits.size() == text.size()) return part == 3;
    text.remove_prefix(digits.size() + 1);
  }
}

// The 16-bit groups of a part of an IPv6 address without "::", of which an IPv4 address at the end is two; -1 when
// malformed.
int count_groups(std::string_view text, bool at_end) {
  int groups = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && at_end && is_ipv4(group)) return groups + 2;
    if (!is_group(group)) return -1;
    ++groups;
    if (last) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return -1;
  }
  return groups;
}

bool is_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text, true) == 8;
  const int before = count_groups(text.substr(0, gap), false);
  const int after = count_groups(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after < 8;
}

// What stands between brackets: an IPv6 address, with a zone (RFC 6874), or what a later version of IP may have.
bool is_ip_literal(std::string_view text) {
  if (!text.empty() && to_lower(text.front()) == 'v') {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
    const std::string_view version = text.substr(1, dot - 1);
    const std::string_view address = text.substr(dot + 1);
    return std::all_of(version.begin(), version.end(), is_hex) &&
           std::all_of(address.begin(), address.end(), [](char c) { return c == ':' || is_name_char(c); });
  }
  const std::size_t zone = text.find("%25");
  if (zone != std::string_view::npos && !is_reg_name(text.substr(zone + 3))) return false;
  return is_ipv6(text.substr(0, zone));
}

// "http://host/path", the path optional.
std::string_view read_absolute(RequestHead& out) {
  const std::size_t scheme = out.target.find("://");
  if (scheme == std::string_view::npos ||
      !(iequals(out.target.substr(0, scheme), "http") || iequals(out.target.substr(0, scheme), "https"))) {
    return "the request target is neither a path nor an http URL";
  }
  const std::string_view rest = out.target.substr(scheme + 3);
  const std::size_t slash = rest.find_first_of("/?");
  if (slash != std::string_view::npos && rest[slash] == '?') return "the request target has no path";
  out.host = rest.substr(0, slash);
  if (!is_authority(out.host, false)) return "the authority of the request target is malformed";
  out.form = TargetForm::absolute;
  if (slash != std::string_view::npos) {
    out.path = rest.substr(slash);
  } else {
    out.path = out.method == "OPTIONS" ? kServerPath : kRootPath;
  }
  return {};
}

}  // namespace

bool is_authority(std::string_view text, bool port_required) {
  std::size_t end = text.find(':');
  if (!text.empty() && text.front() == '[') {
    end = text.find(']');
    if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
    ++end;
  } else {
    if (end == std::string_view::npos) end = text.size();
    if (!is_reg_name(text.substr(0, end))) return false;
  }
  if (end == text.size()) return !port_required;
  const std::string_view port = text.substr(end + 1);
  return text[end] == ':' && is_port(port) && !(port_required && port.empty());
}

std::string_view read_target(RequestHead& out) {
  for (const char c : out.target) {
    if (!is_target_char(c)) return "the request target has a character that must be encoded";
  }
  if (out.method == "CONNECT") {
    if (!is_authority(out.target, true)) return "CONNECT needs host:port";
    out.form = TargetForm::authority;
    out.host = out.target;
    return {};
  }
  if (out.target.front() == '/') {
    out.form = TargetForm::origin;
    out.path = out.target;
    return {};
  }
  if (out.target == "*") {
    if (out.method != "OPTIONS") return "only OPTIONS may ask for '*'";
    out.form = TargetForm::asterisk;
    out.path = out.target;
    return {};
  }
  return read_absolute(out);
}

}  // namespace quoll::http

#include "target.h"

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
  std::size_t end = 0;
  if (!text.empty() && text.front() == '[') {
    end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    for (const char c : text.substr(1, end - 1)) {
      if (!is_alnum(c) && c != ':' && c != '.' && c != '%') return false;
    }
    ++end;
  } else {
    while (end < text.size() && text[end] != ':') {
      if (!is_host_char(text[end]) || text[end] == '[' || text[end] == ']') return false;
      ++end;
    }
  }
  if (end == 0) return false;
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

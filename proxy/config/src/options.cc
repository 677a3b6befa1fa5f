#include "quoll/proxy/config/options.h"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <map>
#include <set>

#include "config_text.h"
#include "quoll/base/faults.h"
#include "quoll/base/file.h"
#include "quoll/base/settings.h"
#include "quoll/http/fields.h"
#include "quoll/net/endpoint.h"
#include "quoll/proxy/config/networks.h"
#include "quoll/proxy/config/route_table.h"

namespace quoll::proxy {
namespace {

// What is wrong with the files that fallbacks are read from, each looked at once: thousands of routes may share one.
class FallbackFiles {
 public:
  const std::string& fault(const std::string& file) {
    const auto [known, first] = faults_.try_emplace(file);
    if (first) {
      const auto read = read_file(file, kMostFallbackBytes);
      if (!read) known->second = read.error().message + ", or write on or off";
    }
    return known->second;
  }

 private:
  std::map<std::string, std::string> faults_;
};

template <typename T>
void check_result(Faults& faults, const char* name, const Result<T>& result) {
  if (!result) faults.add(std::string(name) + ": " + result.error().message);
}

// What their ranges do not say.
void check_settings(const RouteSettings& s, FallbackFiles& files, Faults& faults) {
  check_result(faults, "upstream", parse_upstream(s.upstream));
  faults.check("timeout", s.timeout, schema::within(std::chrono::milliseconds(1), std::chrono::hours(1)));
  if (!s.fallback_file.empty()) {
    if (const std::string& fault = files.fault(s.fallback_file); !fault.empty()) faults.add("fallback: " + fault);
  }
  for (const std::string& method : s.fallback_methods) {
    if (!http::is_token(method)) faults.add(fmt::format("fallback_methods: '{}' is not a method", method));
  }
}

constexpr std::size_t kLongestHost = 253;  // RFC 1035, without the final dot

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789_-";

void check_name(const RouteOptions& route, Faults& faults) {
  constexpr std::size_t kLongest = 64;
  if (route.name.empty() || route.name.size() > kLongest || !all_of(route.name, kLower)) {
    faults.add(
        fmt::format("name: '{}' is not a name; it may have 1 to {} of a-z, 0-9, '_' and '-'", route.name, kLongest));
  } else if (route.name == "default") {
    faults.add("name: 'default' is the route that takes what no other takes; choose another");
  }
}

void check_host(const std::string& host, Faults& faults) {
  const bool literal =
      host.starts_with('[') && host.ends_with(']') && all_of(host.substr(1), "0123456789abcdefABCDEF:.]");
  if (host.empty() || literal) return;
  if (host.size() > kLongestHost || !all_of(normal_host(host), std::string(kLower) + ".") ||
      host.find(':') != host.npos) {
    faults.add(fmt::format("host: '{}' is not a host; write a name or an address, without a port", host));
  }
}

void check_path(const char* name, const std::string& path, Faults& faults) {
  const auto bad = [&](std::string_view why) { faults.add(fmt::format("{}: '{}' {}", name, path, why)); };
  if (!path.starts_with('/')) return bad("is not a path; it must start with '/'");
  if (path.find("//") != path.npos) return bad("has an empty segment");
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain || path.find_first_of("?#*\\\"<>^`{|}") != path.npos) {
    return bad("has characters that a route's path cannot have");
  }
  const auto normal = normal_path(path);
  if (!normal) return bad("has a broken escape; write % and two hexadecimal digits");
  if (*normal != path) return bad(fmt::format("would never match: write {}", *normal));
}

void check_pages(const ProxyOptions& options, Faults& faults) {
  if (options.pages != PagesKind::prefix) return;
  if (options.pages_prefix.size() > 1 && options.pages_prefix.ends_with('/')) {
    faults.add(fmt::format("pages: '{}' ends with a slash; write {}", options.pages_prefix,
                           options.pages_prefix.substr(0, options.pages_prefix.size() - 1)));
  } else if (options.pages_prefix == "/") {
    faults.add("pages: '/' is no prefix; write on");
  } else {
    check_path("pages", options.pages_prefix, faults);
  }
}

// A request that a proxy forwards to itself comes back until no connection is left.
void check_own_address(const ProxyOptions& options, Faults& faults) {
  const auto at = net::parse_host_port(options.listen);
  const auto to = parse_upstream(options.upstream);
  if (!at || !to || at->port == 0 || at->port != to->port) return;
  const bool everywhere = at->host.empty() || at->host == "0.0.0.0" || at->host == "::";
  const bool here = to->host == "localhost" || to->host == "127.0.0.1" || to->host == "::1";
  if (to->host == at->host || (here && (everywhere || at->host == "localhost"))) {
    faults.add(
        fmt::format("upstream: '{}' is where the proxy itself listens; name the service behind it", options.upstream));
  }
}

// Only what a route says itself: the proxy's faults are told once.
void check_routes(const ProxyOptions& options, FallbackFiles& files, Faults& faults) {
  if (options.routes.size() > ProxyOptions::kMaxRoutes) {
    faults.add(
        fmt::format("routes: {} are too many; there may be {}", options.routes.size(), ProxyOptions::kMaxRoutes));
    return;
  }
  // Of the proxy's settings and of its cross-checks, by what is told without a prefix.
  Faults inherited;
  inherited.check_fields(static_cast<const RouteSettings&>(options));
  check_settings(options, files, inherited);
  const std::vector<std::string> common = inherited.take();
  std::set<std::string_view> names;
  RouteTable table;
  for (std::size_t i = 0; i < options.routes.size(); ++i) {
    const RouteOptions& route = options.routes[i];
    Faults own;
    check_name(route, own);
    if (!names.insert(route.name).second)
      own.add(fmt::format("name: '{}' is another route's name already", route.name));
    check_host(route.host, own);
    check_path("path", route.path, own);
    if (route.path.starts_with('/') && !table.add(route.host, route.path, 1)) {
      own.add(fmt::format("path: another route takes '{}{}' already", route.host, route.path));
    }
    own.check_fields(static_cast<const RouteSettings&>(route));
    check_settings(route, files, own);
    for (const std::string& fault : own.take()) {
      if (std::find(common.begin(), common.end(), fault) != common.end()) continue;
      faults.add(fmt::format("routes[{}].{}", i, fault));
    }
  }
}

}  // namespace

RouteOptions ProxyOptions::default_route() const {
  RouteOptions out;
  static_cast<RouteSettings&>(out) = *this;
  return out;
}

RouteOptions& ProxyOptions::add_route(std::string name, std::string path) {
  RouteOptions& added = routes.emplace_back(default_route());
  added.name = std::move(name);
  added.path = std::move(path);
  return added;
}

ProxyOptions ProxyOptions::resolved() const {
  ProxyOptions out = *this;
  schema::resolve_sections(out);
  for (RouteOptions& route : out.routes) schema::resolve_sections(route);
  return out;
}

std::vector<std::string> ProxyOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  check_result(faults, "listen", net::parse_host_port(listen));
  check_result(faults, "admin", net::parse_host_port(admin));
  FallbackFiles files;
  check_settings(*this, files, faults);
  check_pages(*this, faults);
  if (admission && !stamps) {
    faults.add("admission: on needs stamps: true; without them nobody knows how long a request has waited");
  }
  check_result(faults, "proxy_protocol_from", Networks::parse(proxy_protocol_from));
  check_own_address(*this, faults);
  check_routes(*this, files, faults);
  return faults.take();
}

Result<UpstreamUrl> parse_upstream(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return Error{fmt::format("'{}' is not an upstream: {}; write http://HOST:PORT, such as http://127.0.0.1:3001",
                             shown(url), why),
                 "upstream"};
  };
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
  if (!parsed) return bad("it is not a URL");
  if (parsed->scheme() == "https") return bad("TLS to the upstream is not supported");
  if (parsed->scheme() != "http") return bad("the scheme must be http");
  if (parsed->encoded_host().empty()) return bad("the host is missing");
  if (parsed->encoded_host().size() > kLongestHost) return bad("the host is longer than a name can be");
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    return bad("only the host and the port are used");
  }
  if (!parsed->encoded_path().empty() && parsed->encoded_path() != "/") return bad("a path is not supported");
  if (parsed->has_port() && parsed->port_number() == 0) return bad("the port must be a number from 1 to 65535");
  UpstreamUrl out;
  out.host = std::string(parsed->host_address());
  out.port = parsed->has_port() ? parsed->port_number() : 80;
  out.authority = std::string(parsed->encoded_host_and_port());
  return out;
}

const char* to_string(VerdictKind kind) {
  return kind == VerdictKind::arrival ? "arrival" : "timer";
}

const char* to_string(ForwardedKind kind) {
  switch (kind) {
    case ForwardedKind::both:
      return "both";
    case ForwardedKind::x_forwarded:
      return "x-forwarded";
    case ForwardedKind::rfc7239:
      return "rfc7239";
    case ForwardedKind::off:
      return "off";
  }
  return "off";
}

const char* to_string(TraceKind kind) {
  switch (kind) {
    case TraceKind::create:
      return "create";
    case TraceKind::continue_only:
      return "continue";
    case TraceKind::off:
      return "off";
  }
  return "off";
}

}  // namespace quoll::proxy

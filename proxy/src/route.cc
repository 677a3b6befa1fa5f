#include "route.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace quoll::proxy {
namespace {

std::string content_type_of(const std::string& file) {
  const auto ends = [&](const char* suffix) { return file.ends_with(suffix); };
  if (ends(".json")) return "application/json";
  if (ends(".html") || ends(".htm")) return "text/html; charset=utf-8";
  if (ends(".txt")) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

}  // namespace

Route::Route(const RouteOptions& o, std::size_t nth, std::size_t pool_index, const net::TcpEndpoint& to,
             std::uint64_t seed, telemetry::Registry& registry, telemetry::Log& log)
    : options(o),
      index(nth),
      pool(pool_index),
      circuit(o.name, net::to_string(to), o, seed, registry, log),
      fallback_type(content_type_of(o.fallback_file)) {}

Routes::Routes(const ProxyOptions& options, std::span<const net::TcpEndpoint> endpoints, std::uint64_t seed,
               telemetry::Registry& registry, telemetry::Log& log) {
  const auto add = [&](const RouteOptions& route, const net::TcpEndpoint& to) {
    const auto known = std::find(endpoints_.begin(), endpoints_.end(), to);
    const auto pool = static_cast<std::size_t>(known - endpoints_.begin());
    if (known == endpoints_.end()) endpoints_.push_back(to);
    routes_.push_back(std::make_unique<Route>(route, routes_.size(), pool, to, seed, registry, log));
  };
  add(default_route(options), endpoints.front());
}

Result<void> Routes::load_fallbacks() {
  for (const auto& route : routes_) {
    const std::string& file = route->options.fallback_file;
    if (file.empty()) continue;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return Error{"fallback: cannot read '" + file + "'", "fallback"};
    route->fallback_body = text.str();
  }
  return {};
}

RouteOptions default_route(const ProxyOptions& options) {
  RouteOptions out;
  static_cast<RouteSettings&>(out) = options;
  return out;
}

}  // namespace quoll::proxy

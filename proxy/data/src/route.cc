#include "quoll/proxy/data/route.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>

#include "quoll/base/file.h"

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
  QUOLL_ASSERT(endpoints.size() == options.routes.size() + 1);
  std::map<net::TcpEndpoint, std::size_t> pools;
  const auto add = [&](RouteOptions route) {
    const std::size_t index = routes_.size();
    const auto [pool, first] = pools.emplace(endpoints[index], endpoints_.size());
    if (first) endpoints_.push_back(endpoints[index]);
    // Workers that share a counter's cache line slow each other down.
    route.breaker.shards = std::min(16U, std::max(route.breaker.shards, options.workers));
    routes_.push_back(
        std::make_unique<Route>(route, index, pool->second, endpoints[index], seed + index, registry, log));
    names_.emplace(routes_.back()->name(), routes_.back().get());
  };
  // What the policies go by is what pages show.
  const ProxyOptions whole = options.resolved();
  add(whole.default_route());
  for (const RouteOptions& route : whole.routes) {
    QUOLL_ASSERT(table_.add(route.host, route.path, static_cast<std::uint32_t>(routes_.size())));
    add(route);
  }
}

Route* Routes::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

Result<void> Routes::load_fallbacks() {
  std::map<std::string, std::shared_ptr<const std::string>> bodies;
  for (const auto& route : routes_) {
    const std::string& file = route->options.fallback_file;
    if (file.empty()) continue;
    std::shared_ptr<const std::string>& body = bodies[file];
    if (body) {
      route->fallback_body = body;
      continue;
    }
    auto read = read_file(file, kMostFallbackBytes);
    if (!read) return Error{"fallback: " + read.error().message, "fallback"};
    route->fallback_body = body = std::make_shared<const std::string>(std::move(*read));
  }
  return {};
}

Result<std::vector<net::TcpEndpoint>> resolve_upstreams(const ProxyOptions& options) {
  std::vector<std::string_view> urls = {options.upstream};
  for (const RouteOptions& route : options.routes) urls.emplace_back(route.upstream);

  std::map<std::string, std::optional<Result<std::vector<net::TcpEndpoint>>>> found;
  std::vector<std::string> authorities;
  authorities.reserve(urls.size());
  for (const std::string_view url : urls) {
    authorities.push_back(parse_upstream(url)->authority);
    found.try_emplace(authorities.back());
  }
  // A resolver may take seconds for one name.
  constexpr std::size_t kAtOnce = 16;
  std::vector<decltype(found)::value_type*> work;
  work.reserve(found.size());
  for (auto& entry : found) work.push_back(&entry);
  std::atomic<std::size_t> next{0};
  {
    const auto resolve = [&] {
      for (std::size_t i = next++; i < work.size(); i = next++) {
        const auto url = parse_upstream("http://" + work[i]->first);
        work[i]->second = net::resolve({url->host, url->port});
      }
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(kAtOnce, work.size()); ++i) threads.emplace_back(resolve);
    resolve();
  }
  std::string faults;
  for (const auto& entry : found) {
    if (!*entry.second) faults += (faults.empty() ? "upstream: " : "\nupstream: ") + entry.second->error().message;
  }
  if (!faults.empty()) return Error{faults, "upstream"};
  std::vector<net::TcpEndpoint> out;
  out.reserve(authorities.size());
  for (const std::string& authority : authorities) out.push_back((*found[authority])->front());
  return out;
}

}  // namespace quoll::proxy

// Route: the requests that go one way: its settings, its circuit, its upstream, its fallback. Routes: all of a proxy's,
// fixed for its life.
//
// Thread-safe: a route's circuit is, everything else is immutable once the proxy runs.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "quoll/net/endpoint.h"
#include "quoll/proxy/config/options.h"
#include "quoll/proxy/config/route_table.h"
#include "quoll/proxy/data/circuit.h"

namespace quoll::proxy {

struct Route {
  Route(const RouteOptions& o, std::size_t nth, std::size_t pool_index, const net::TcpEndpoint& to, std::uint64_t seed,
        telemetry::Registry& registry, telemetry::Log& log);

  const std::string& name() const { return options.name; }

  const RouteOptions options;
  const std::size_t index;  // in Routes, and of what a worker keeps for it
  const std::size_t pool;   // of a worker's pools: routes to one address share their kept connections
  Circuit circuit;
  std::shared_ptr<const std::string> fallback_body;  // of `fallback: FILE`; routes share one file's
  std::string fallback_type;
};

class Routes {
 public:
  // `options` must be valid, with `endpoints` from resolve_upstreams. The registry and the log outlive it.
  Routes(const ProxyOptions& options, std::span<const net::TcpEndpoint> endpoints, std::uint64_t seed,
         telemetry::Registry& registry, telemetry::Log& log);

  // Reads the fallbacks' files. Before any route is used.
  Result<void> load_fallbacks();

  // The one that takes a request with this Host and this path (a query after it is not looked at); [0] is `default`,
  // which takes what no other takes.
  Route& match(std::string_view host, std::string_view path) { return *routes_[table_.find(host, path)]; }
  // By name; null when there is none.
  Route* find(std::string_view name) const;
  std::size_t size() const { return routes_.size(); }
  Route& operator[](std::size_t i) { return *routes_[i]; }
  const Route& operator[](std::size_t i) const { return *routes_[i]; }
  // The addresses of all upstreams, each once: a worker has a pool for each.
  std::span<const net::TcpEndpoint> endpoints() const { return endpoints_; }

 private:
  std::vector<std::unique_ptr<Route>> routes_;
  RouteTable table_;
  std::unordered_map<std::string_view, Route*> names_;
  std::vector<net::TcpEndpoint> endpoints_;
};

// The addresses of all upstreams: the proxy's own, then each route's. Blocks on the resolver, several names at a time
// and each once. The error names every one that has none.
Result<std::vector<net::TcpEndpoint>> resolve_upstreams(const ProxyOptions& options);

}  // namespace quoll::proxy

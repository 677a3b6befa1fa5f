// Route: the requests that go one way: its settings, its circuit, its upstream, its fallback. Routes: all of a proxy's,
// fixed for its life.
//
// Thread-safe: a route's circuit is, everything else is immutable once the proxy runs.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "circuit.h"
#include "quoll/net/endpoint.h"
#include "quoll/proxy/options.h"

namespace quoll::proxy {

struct Route {
  Route(const RouteOptions& o, std::size_t nth, std::size_t pool_index, const net::TcpEndpoint& to, std::uint64_t seed,
        telemetry::Registry& registry, telemetry::Log& log);

  const std::string& name() const { return options.name; }

  const RouteOptions options;
  const std::size_t index;  // in Routes, and of what a worker keeps for it
  const std::size_t pool;   // of a worker's pools: routes to one address share their kept connections
  Circuit circuit;
  std::string fallback_body;  // of `fallback: FILE`
  std::string fallback_type;
};

class Routes {
 public:
  // `options` must be valid, with `endpoints` the address of each route's upstream. The registry and the log outlive
  // it.
  Routes(const ProxyOptions& options, std::span<const net::TcpEndpoint> endpoints, std::uint64_t seed,
         telemetry::Registry& registry, telemetry::Log& log);

  // Reads the fallbacks' files. Before any route is used.
  Result<void> load_fallbacks();

  // The one that takes what no other takes.
  Route& fallthrough() { return *routes_.front(); }
  std::size_t size() const { return routes_.size(); }
  Route& operator[](std::size_t i) { return *routes_[i]; }
  const Route& operator[](std::size_t i) const { return *routes_[i]; }
  // The addresses of all upstreams, each once: a worker has a pool for each.
  std::span<const net::TcpEndpoint> endpoints() const { return endpoints_; }

 private:
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<net::TcpEndpoint> endpoints_;
};

// The route `default` of a proxy: its own settings.
RouteOptions default_route(const ProxyOptions& options);

}  // namespace quoll::proxy

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

void Exchange::reset() {
  in.clear();
  body.clear();
  up.clear();
  out.clear();
}

RouteDurations::RouteDurations(telemetry::Registry& registry, const std::string& route)
    : server(registry, "http_server_request_duration_seconds",
             "Time from a client's request arriving at this machine to its answer being sent.", route),
      client(registry, "http_client_request_duration_seconds",
             "Time from a request having left for the upstream to its answer arriving at this machine.", route) {}

WorkerState::WorkerState(net::Worker& w, net::Connector& c, const Shared& s)
    : worker(w),
      connector(c),
      shared(s),
      shard(w.index()),
      trace_ids(s.seed ^ splitmix64(w.index())),
      proxy_protocol_from(*Networks::parse(s.options.proxy_protocol_from)) {
  for (const net::TcpEndpoint& endpoint : s.routes.endpoints()) {
    pools.emplace_back(endpoint, UpstreamPool::Options{s.options.pool_size, s.options.pool_idle},
                       s.metrics.upstream_unasked, shard);
  }
  durations.reserve(s.routes.size());
  for (std::size_t i = 0; i < s.routes.size(); ++i) durations.emplace_back(s.metrics.registry, s.routes[i].name());
  for (std::size_t i = 0; i < s.routes.size(); ++i) {
    gates.emplace_back(s.routes[i].circuit, shard);
  }
}

std::unique_ptr<Exchange> WorkerState::borrow() {
  if (spare.empty()) return std::make_unique<Exchange>();
  auto exchange = std::move(spare.back());
  spare.pop_back();
  return exchange;
}

void WorkerState::give_back(std::unique_ptr<Exchange> exchange) {
  constexpr std::size_t kSpare = 64;  // a burst's buffers are not kept for ever
  if (spare.size() >= kSpare) return;
  exchange->reset();
  spare.push_back(std::move(exchange));
}

}  // namespace quoll::proxy

#include "session.h"

namespace quoll::proxy {

void Exchange::reset() {
  in.clear();
  body.clear();
  up.clear();
  out.clear();
}

WorkerState::WorkerState(net::Worker& w, const Shared& s, const net::TcpEndpoint& upstream)
    : worker(w),
      shared(s),
      shard(w.index()),
      pool(upstream, {s.options.pool_size, s.options.pool_idle}),
      server_durations(s.metrics.registry, "http_server_request_duration_seconds",
                       "Time from a client's request arriving at this machine to its answer being sent.", "default"),
      client_durations(s.metrics.registry, "http_client_request_duration_seconds",
                       "Time from a request having left for the upstream to its answer arriving at this machine.",
                       "default") {}

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

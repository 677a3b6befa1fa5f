#include "upstream_pool.h"

#include <algorithm>

namespace quoll::proxy {

std::unique_ptr<net::StampedSocket> UpstreamPool::take(TimePoint now, bool must_be_alive) {
  constexpr Duration kFresh = std::chrono::seconds(1);
  while (!idle_.empty()) {
    Kept kept = std::move(idle_.back());
    idle_.pop_back();
    if (now - kept.since > options_.idle) continue;
    // Bytes that nobody asked for are as bad as an end.
    const bool look = must_be_alive || now - kept.since > kFresh;
    if (look && kept.socket->peek() != net::StampedSocket::Peek::quiet) continue;
    return std::move(kept.socket);
  }
  return nullptr;
}

void UpstreamPool::give_back(std::unique_ptr<net::StampedSocket> socket, TimePoint now) {
  if (idle_.size() < options_.size) idle_.push_back({std::move(socket), now});
}

void UpstreamPool::reap(TimePoint now) {
  const auto dead = [&](const Kept& kept) {
    return now - kept.since > options_.idle || kept.socket->peek() != net::StampedSocket::Peek::quiet;
  };
  idle_.erase(std::remove_if(idle_.begin(), idle_.end(), dead), idle_.end());
}

}  // namespace quoll::proxy

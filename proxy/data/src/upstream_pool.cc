#include "quoll/proxy/data/upstream_pool.h"

#include <algorithm>

namespace quoll::proxy {

bool UpstreamPool::quiet(UpstreamConnection& connection) {
  const net::Stream::Peek found = connection.stream_->peek();
  if (found == net::Stream::Peek::readable) unasked_.add(1, shard_);
  return found == net::Stream::Peek::quiet;
}

std::unique_ptr<UpstreamConnection> UpstreamPool::take(TimePoint now) {
  for (std::size_t i = idle_.size(); i-- > 0;) {
    UpstreamConnection& candidate = *idle_[i];
    const Duration rested = now - candidate.rests_since_;
    const bool rest_is_due = candidate.unrested_ >= kMostUnrested && rested < candidate.due_rest_;
    if (rest_is_due) continue;
    std::unique_ptr<UpstreamConnection> taken = std::move(idle_[i]);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    if (rested > taken->keep_for_ || !quiet(*taken)) continue;
    taken->stream_->unwatch();
    taken->unrested_ = rested < taken->due_rest_ ? taken->unrested_ + 1 : 0;
    return taken;
  }
  return nullptr;
}

void UpstreamPool::give_back(std::unique_ptr<UpstreamConnection> connection, Duration took, Duration keep_for,
                             TimePoint now) {
  if (idle_.size() >= options_.size || keep_for == Duration::zero()) return;
  // What has been read to the last byte will tell of the next one by an edge.
  if (!connection->stream_->drained() && !quiet(*connection)) return;
  connection->pool_ = this;
  connection->rests_since_ = now;
  connection->keep_for_ = std::min(options_.idle, keep_for);
  connection->due_rest_ = 2 * took + std::chrono::milliseconds(1);  // ample: a shifted answer seems to take less time
  connection->stream_->watch(&UpstreamPool::stirred, connection.get());
  idle_.push_back(std::move(connection));
}

void UpstreamPool::stirred(void* self) {
  auto& connection = *static_cast<UpstreamConnection*>(self);
  UpstreamPool& pool = *connection.pool_;
  if (pool.quiet(connection)) return;
  const auto same = [&](const auto& kept) { return kept.get() == &connection; };
  pool.idle_.erase(std::find_if(pool.idle_.begin(), pool.idle_.end(), same));
}

void UpstreamPool::reap(TimePoint now) {
  const auto over = [&](const auto& kept) { return now - kept->rests_since_ > kept->keep_for_ || !quiet(*kept); };
  idle_.erase(std::remove_if(idle_.begin(), idle_.end(), over), idle_.end());
}

}  // namespace quoll::proxy

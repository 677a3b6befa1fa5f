// ShardedMap: bounded maps, one lock each, that hold so many entries together.
//
// Why not the bound divided by the shards: keys do not fall evenly, so a shard would be full while others are not, and
// with a bound below the number of shards each would still hold one. Here the shards count together; each has room for
// six standard deviations more than its part. Below 128 entries there is one shard, and the order of use is exact; with
// more, what goes is chosen within the shard of the key that comes.
//
// Thread-safe. Nothing is allocated after construction but what keys and values do themselves.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/core/bounded_map.h"

namespace quoll::core {

template <typename Key, typename Value, typename Hash = KeyHash<Key>>
class ShardedMap {
 public:
  using Map = BoundedMap<Key, Value, Hash>;

  // capacity >= 1.
  explicit ShardedMap(std::uint32_t capacity) : capacity_(capacity) {
    const std::uint32_t shards = std::bit_floor(std::clamp(capacity / kLeastEach, 1U, kMostShards));
    const double each = static_cast<double>(capacity) / shards;
    const auto room = static_cast<std::uint32_t>(each + 6 * std::sqrt(each) + 8);
    for (std::uint32_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>(std::min(capacity, room)));
  }

  // Calls visit(map) under the lock of the key's shard, and returns what it returns.
  template <typename Query, typename Visit>
  auto with(const Query& key, Visit visit) {
    Shard& shard = shard_of(key);
    const MutexLock lock(shard.mutex);
    return visit(shard.map);
  }
  // Within with() of the key, which must not be there. When it is full, `pick(map)` names a key that is to go.
  template <typename Pick>
  Value& insert(Map& map, Key key, Value value, Pick pick) {
    const bool over = entries_.fetch_add(1, std::memory_order_relaxed) >= capacity_;
    if (map.full() || (over && map.size() != 0)) evict(map, pick);
    return map.insert(std::move(key), std::move(value));
  }
  // After with(), when insert() found nothing to send away in its own shard. Mostly one load.
  template <typename Pick>
  void trim(Pick pick) {
    for (std::size_t i = 0; i < shards_.size() && entries_.load(std::memory_order_relaxed) > capacity_; ++i) {
      const MutexLock lock(shards_[i]->mutex);
      // More than the one that has just come.
      if (shards_[i]->map.size() > 1) evict(shards_[i]->map, pick);
    }
  }
  template <typename Query>
  bool erase(const Query& key) {
    return with(key, [&](Map& map) { return erase_in(map, key); });
  }
  // Within with() of the key.
  template <typename Query>
  bool erase_in(Map& map, const Query& key) {
    if (!map.erase(key)) return false;
    entries_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }

  // Calls visit(map) for one shard after the other, each under its lock.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      const MutexLock lock(shard->mutex);
      visit(shard->map);
    }
  }
  std::size_t size() const {
    std::size_t sum = 0;
    for_each([&sum](const Map& map) { sum += map.size(); });
    return sum;
  }
  // Entries that had to go for others, since the start.
  std::uint64_t evictions() const { return evictions_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kMostShards = 16;
  static constexpr std::uint32_t kLeastEach = 64;
  struct alignas(64) Shard {
    explicit Shard(std::uint32_t capacity) : map(capacity) {}
    mutable Mutex mutex;
    mutable Map map QUOLL_GUARDED_BY(mutex);
  };
  template <typename Query>
  Shard& shard_of(const Query& key) const {
    return *shards_[(Map::hash_of(key) >> 60U) & (shards_.size() - 1)];  // the map uses the low bits
  }
  template <typename Pick>
  void evict(Map& map, Pick pick) {
    const Key victim = pick(map);
    if (erase_in(map, victim)) evictions_.fetch_add(1, std::memory_order_relaxed);
  }

  const std::uint32_t capacity_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<std::uint32_t> entries_{0};
  std::atomic<std::uint64_t> evictions_{0};
};

}  // namespace quoll::core

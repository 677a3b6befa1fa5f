// TtlCache: answers kept for a while, and a while longer for the time in which nobody else answers.
//
// An entry is fresh for `ttl`, then stale for `stale_for`. Fresh ones save a call. Stale ones are for the fallback: an
// old answer is often better than none, and a callee that is down gets no more load for it ("stale-if-error", RFC
// 5861). When it is full, the entry that was used longest ago goes.
//
// Thread-safe: sharded by key, one lock each, held for a lookup and a copy of the value. Values should be small or
// shared (std::shared_ptr<const T>). A lookup allocates nothing of its own.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/time.h"
#include "quoll/core/bounded_map.h"
#include "quoll/core/options.h"

namespace quoll::core {

struct TtlCacheOptions {
  // Entries in all. Default 10,000; range 1 to 10,000,000.
  unsigned capacity = 10'000;
  // Default 1 s; range 1 ms to 24 h.
  Duration ttl = std::chrono::seconds(1);
  // Default 10 min; range 0 (none) to 30 days.
  Duration stale_for = std::chrono::minutes(10);

  std::vector<std::string> validate() const;
};

template <typename Key, typename Value, typename Hash = KeyHash<Key>>
class TtlCache {
 public:
  struct Found {
    Value value;
    Duration age;
    bool fresh;
  };

  // `options` must be valid.
  explicit TtlCache(const TtlCacheOptions& options) : options_(internal::accepted("TtlCache", options)) {
    const unsigned each = (options.capacity + kShards - 1) / kShards;
    for (auto& shard : shards_) shard = std::make_unique<Shard>(each);
  }

  // Fresh entries only.
  template <typename Query>
  std::optional<Value> get(const Query& key, TimePoint now) {
    std::optional<Found> found = find(key, now);
    if (!found || !found->fresh) return std::nullopt;
    return std::move(found->value);
  }
  // Fresh or stale: for a fallback.
  template <typename Query>
  std::optional<Found> find(const Query& key, TimePoint now) {
    Shard& shard = shard_of(key);
    const MutexLock lock(shard.mutex);
    Entry* entry = shard.map.use(key);
    if (entry == nullptr) return std::nullopt;
    const Duration age = std::max(now - entry->since, Duration::zero());
    if (age >= options_.ttl + options_.stale_for) {
      shard.map.erase(key);
      return std::nullopt;
    }
    return Found{entry->value, age, age < options_.ttl};
  }
  void put(Key key, Value value, TimePoint now) {
    Shard& shard = shard_of(key);
    const MutexLock lock(shard.mutex);
    if (Entry* entry = shard.map.use(key)) {
      *entry = Entry{std::move(value), now};
      return;
    }
    if (shard.map.full()) {
      std::optional<Key> oldest;
      shard.map.oldest_first([&](const Key& candidate, Entry&) {
        oldest = candidate;
        return false;
      });
      shard.map.erase(*oldest);
      evictions_.fetch_add(1, std::memory_order_relaxed);
    }
    shard.map.insert(std::move(key), Entry{std::move(value), now});
  }
  template <typename Query>
  bool erase(const Query& key) {
    Shard& shard = shard_of(key);
    const MutexLock lock(shard.mutex);
    return shard.map.erase(key).has_value();
  }

  std::size_t size() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
      const MutexLock lock(shard->mutex);
      sum += shard->map.size();
    }
    return sum;
  }
  // Entries that had to go for others, since the start.
  std::uint64_t evictions() const { return evictions_.load(std::memory_order_relaxed); }
  const TtlCacheOptions& options() const { return options_; }

 private:
  static constexpr unsigned kShards = 16;
  struct Entry {
    Value value;
    TimePoint since;
  };
  struct alignas(64) Shard {
    explicit Shard(unsigned capacity) : map(capacity) {}
    mutable Mutex mutex;
    BoundedMap<Key, Entry, Hash> map QUOLL_GUARDED_BY(mutex);
  };
  template <typename Query>
  Shard& shard_of(const Query& key) {
    return *shards_[Hash{}(key) >> 60U];  // the map uses the low bits
  }

  const TtlCacheOptions options_;
  std::array<std::unique_ptr<Shard>, kShards> shards_;
  std::atomic<std::uint64_t> evictions_{0};
};

}  // namespace quoll::core

// TtlCache: answers kept for a while, and a while longer for the time in which nobody else answers.
//
// An entry is fresh for `ttl`, then stale for `stale_for`. Fresh ones save a call. Stale ones are for the fallback: an
// old answer is often better than none, and a callee that is down gets no more load for it ("stale-if-error", RFC
// 5861). When it is full, the entry that was used longest ago goes (above 127 entries: of the key's shard).
//
// Thread-safe: sharded by key, one lock each, held for a lookup and a copy of the value. Any hash will do. Values
// should be small or shared (std::shared_ptr<const T>). A lookup allocates nothing of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"
#include "quoll/core/sharded_map.h"

namespace quoll::core {

struct TtlCacheOptions {
  unsigned capacity = 10'000;
  Duration ttl = std::chrono::seconds(1);
  Duration stale_for = std::chrono::minutes(10);

  static void describe(auto&& field) {
    using O = TtlCacheOptions;
    using std::chrono::hours;
    field(
        "capacity", &O::capacity, schema::within(1, 10'000'000),
        "Entries in all, exactly so many; the one used longest ago goes, from 128 entries on that of the key's shard.");
    field("ttl", &O::ttl, schema::within(std::chrono::milliseconds(1), hours(24)),
          "How long an answer is fresh; even a second takes the load off a hot key.");
    field("stale_for", &O::stale_for, schema::within(Duration::zero(), hours(24 * 30)).zero_is("none"),
          "How much older an answer may be that is better than none.");
  }

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
  explicit TtlCache(const TtlCacheOptions& options)
      : options_(internal::accepted("TtlCache", options)), entries_(options_.capacity) {}

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
    return entries_.with(key, [&](Map& map) -> std::optional<Found> {
      Entry* entry = map.use(key);
      if (entry == nullptr) return std::nullopt;
      const Duration age = std::max(between(entry->since, now), Duration::zero());
      if (age >= options_.ttl + options_.stale_for) {
        entries_.erase_in(map, key);
        return std::nullopt;
      }
      return Found{entry->value, age, age < options_.ttl};
    });
  }
  void put(Key key, Value value, TimePoint now) {
    entries_.with(key, [&](Map& map) {
      if (Entry* entry = map.use(key)) {
        *entry = Entry{std::move(value), now};
      } else {
        entries_.insert(map, std::move(key), Entry{std::move(value), now}, longest_unused);
      }
    });
    entries_.trim(longest_unused);
  }
  template <typename Query>
  bool erase(const Query& key) {
    return entries_.erase(key);
  }

  std::size_t size() const { return entries_.size(); }
  // Entries that had to go for others, since the start.
  std::uint64_t evictions() const { return entries_.evictions(); }
  const TtlCacheOptions& options() const { return options_; }

 private:
  struct Entry {
    Value value;
    TimePoint since;
  };
  using Entries = ShardedMap<Key, Entry, Hash>;
  using Map = typename Entries::Map;

  static Key longest_unused(Map& map) {
    std::optional<Key> oldest;
    map.oldest_first([&oldest](const Key& key, const Entry&) {
      oldest = key;
      return false;
    });
    return std::move(*oldest);
  }

  const TtlCacheOptions options_;
  Entries entries_;
};

}  // namespace quoll::core

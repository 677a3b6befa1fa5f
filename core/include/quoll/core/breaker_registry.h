// BreakerRegistry: a breaker for each key (a host, a route, a tenant), made when it is first asked for, so many at
// most.
//
// Why a bound: keys come from the outside. A client that asks a proxy for a new host with each request would otherwise
// fill the memory with breakers that nobody needs.
//
// When it is full, the breaker that was used longest ago goes; of the last kLook in that order, one that is closed
// rather than one that is open, whose going would forget an outage. A breaker is shared: a pointer to it keeps it, and
// only the registry forgets it. A permit keeps of it what the permit needs, so that nothing has to be held for the
// length of a call:
//
//   Admission admission = registry.get(host)->try_acquire(now);
//   ...
//   (void)registry.get(host)->record(std::move(*admission.permit), sample, now);
//
// If it was evicted meanwhile, the outcome is told to the breaker that gave the permit, and not to its successor.
//
// Memory: a breaker takes 4 KiB with the default options, 100,000 of them under half a gibibyte; shards = 1 saves 1
// KiB.
//
// Thread-safe: sharded by key, one lock each, held for a lookup.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/schema.h"
#include "quoll/core/breaker.h"
#include "quoll/core/sharded_map.h"

namespace quoll::core {

struct BreakerRegistryOptions {
  unsigned capacity = 10'000;
  BreakerOptions breaker = {};

  static void describe(auto&& field) {
    using O = BreakerRegistryOptions;
    field("capacity", &O::capacity, schema::within(1, 10'000'000), "Breakers in all, exactly so many.");
    field("breaker", &O::breaker, "Of each.");
  }

  std::vector<std::string> validate() const;
};

class BreakerRegistry {
 public:
  // `options` must be valid.
  BreakerRegistry(const BreakerRegistryOptions& options, std::uint64_t seed);

  // The key's breaker. Allocates when it is new.
  std::shared_ptr<Breaker> get(std::string_view key);
  // Null when there is none.
  std::shared_ptr<Breaker> find(std::string_view key);
  bool erase(std::string_view key);

  std::size_t size() const { return breakers_.size(); }
  // Breakers that had to go for others, since the start.
  std::uint64_t evictions() const { return breakers_.evictions(); }
  // All there are, oldest use first within a shard. For status pages.
  std::vector<std::shared_ptr<Breaker>> all() const;
  const BreakerRegistryOptions& options() const { return options_; }

 private:
  static constexpr unsigned kLook = 8;
  using Breakers = ShardedMap<std::string, std::shared_ptr<Breaker>>;
  using Map = Breakers::Map;
  static std::string dispensable(Map& map);

  const BreakerRegistryOptions options_;
  const std::uint64_t seed_;
  Breakers breakers_;
};

}  // namespace quoll::core

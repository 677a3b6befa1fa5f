#include "quoll/core/breaker_registry.h"

#include <optional>

#include "faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

std::vector<std::string> BreakerRegistryOptions::validate() const {
  internal::Faults faults;
  faults.check("capacity", capacity, 1U, 10'000'000U);
  for (const std::string& fault : breaker.validate()) faults.add("breaker." + fault);
  return faults.take();
}

BreakerRegistry::BreakerRegistry(const BreakerRegistryOptions& options, std::uint64_t seed)
    : options_(internal::accepted("BreakerRegistry", options)), seed_(seed) {
  const unsigned each = (options.capacity + kShards - 1) / kShards;
  for (auto& shard : shards_) shard = std::make_unique<Shard>(each);
}

std::shared_ptr<Breaker> BreakerRegistry::get(std::string_view key) {
  Shard& shard = shard_of(key);
  {
    const MutexLock lock(shard.mutex);
    if (const auto* breaker = shard.map.use(key)) return *breaker;
  }
  // Made without the lock: it allocates. Another thread may have been quicker; then this one goes.
  const std::uint64_t seed = seed_ ^ KeyHash<std::string>{}(key);
  auto made = std::make_shared<Breaker>(Breaker::create(options_.breaker, seed, std::string(key)).value());
  made->pin_by_permits();
  const MutexLock lock(shard.mutex);
  if (const auto* breaker = shard.map.use(key)) return *breaker;
  if (shard.map.full()) {
    evict(shard.map);
    evictions_.fetch_add(1, std::memory_order_relaxed);
  }
  return shard.map.insert(std::string(key), std::move(made));
}

void BreakerRegistry::evict(Map& map) {
  std::optional<std::string> victim;
  unsigned looked = 0;
  map.oldest_first([&](const std::string& key, const std::shared_ptr<Breaker>& breaker) {
    const State state = breaker->state();
    const bool closed = state == State::closed || state == State::disabled || state == State::metrics_only;
    if (closed || !victim) victim = key;
    return !closed && ++looked < kLook;
  });
  map.erase(*victim);
}

std::shared_ptr<Breaker> BreakerRegistry::find(std::string_view key) {
  Shard& shard = shard_of(key);
  const MutexLock lock(shard.mutex);
  const auto* breaker = shard.map.use(key);
  return breaker == nullptr ? nullptr : *breaker;
}

bool BreakerRegistry::erase(std::string_view key) {
  Shard& shard = shard_of(key);
  const MutexLock lock(shard.mutex);
  return shard.map.erase(key).has_value();
}

std::size_t BreakerRegistry::size() const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) {
    const MutexLock lock(shard->mutex);
    sum += shard->map.size();
  }
  return sum;
}

std::vector<std::shared_ptr<Breaker>> BreakerRegistry::all() const {
  std::vector<std::shared_ptr<Breaker>> breakers;
  for (const auto& shard : shards_) {
    const MutexLock lock(shard->mutex);
    shard->map.oldest_first([&](const std::string&, const std::shared_ptr<Breaker>& breaker) {
      breakers.push_back(breaker);
      return true;
    });
  }
  return breakers;
}

}  // namespace quoll::core

#include "quoll/core/breaker_registry.h"

#include <optional>

#include "quoll/base/faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

std::vector<std::string> BreakerRegistryOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

BreakerRegistry::BreakerRegistry(const BreakerRegistryOptions& options, std::uint64_t seed)
    : options_(internal::accepted("BreakerRegistry", options)), seed_(seed), breakers_(options_.capacity) {}

std::shared_ptr<Breaker> BreakerRegistry::get(std::string_view key) {
  if (auto breaker = find(key)) return breaker;
  // Made without the lock: it allocates. Another thread may have been quicker; then this one goes.
  const std::uint64_t seed = seed_ ^ KeyHash<std::string>{}(key);
  auto made = std::make_shared<Breaker>(Breaker::create(options_.breaker, seed, std::string(key)).value());
  made->pin_by_permits();
  auto kept = breakers_.with(key, [&](Map& map) {
    if (const auto* breaker = map.use(key)) return *breaker;
    return breakers_.insert(map, std::string(key), std::move(made), dispensable);
  });
  breakers_.trim(dispensable);
  return kept;
}

std::string BreakerRegistry::dispensable(Map& map) {
  std::optional<std::string> victim;
  unsigned looked = 0;
  map.oldest_first([&](const std::string& key, const std::shared_ptr<Breaker>& breaker) {
    const State state = breaker->state();
    const bool closed = state == State::closed || state == State::disabled || state == State::metrics_only;
    if (closed || !victim) victim = key;
    return !closed && ++looked < kLook;
  });
  return std::move(*victim);
}

std::shared_ptr<Breaker> BreakerRegistry::find(std::string_view key) {
  return breakers_.with(key, [&](Map& map) {
    const auto* breaker = map.use(key);
    return breaker == nullptr ? nullptr : *breaker;
  });
}

bool BreakerRegistry::erase(std::string_view key) {
  return breakers_.erase(key);
}

std::vector<std::shared_ptr<Breaker>> BreakerRegistry::all() const {
  std::vector<std::shared_ptr<Breaker>> breakers;
  breakers_.for_each([&](Map& map) {
    map.oldest_first([&](const std::string&, const std::shared_ptr<Breaker>& breaker) {
      breakers.push_back(breaker);
      return true;
    });
  });
  return breakers;
}

}  // namespace quoll::core

// The options of the two templates that keep calls from being made.
#include "faults.h"
#include "quoll/core/coalescer.h"
#include "quoll/core/ttl_cache.h"

namespace quoll::core {

std::vector<std::string> TtlCacheOptions::validate() const {
  using std::chrono::hours;
  internal::Faults faults;
  faults.check("capacity", capacity, 1U, 10'000'000U);
  faults.check("ttl", ttl, std::chrono::milliseconds(1), hours(24));
  faults.check("stale_for", stale_for, Duration::zero(), hours(24 * 30));
  return faults.take();
}

std::vector<std::string> CoalescerOptions::validate() const {
  internal::Faults faults;
  faults.check("max_flights", max_flights, 1U, 1'000'000U);
  faults.check("max_followers", max_followers, 1U, 1'000'000U);
  return faults.take();
}

}  // namespace quoll::core

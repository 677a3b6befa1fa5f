#include "quoll/core/throttle.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/faults.h"
#include "quoll/base/rng.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"

namespace quoll::core {

std::vector<std::string> ThrottleOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

Throttle::Throttle(const ThrottleOptions& options, std::uint64_t seed)
    : options_(internal::accepted("Throttle", options)), seed_(seed) {}

bool Throttle::admit(Line& line, std::uint64_t count, std::uint32_t probability) {
  // A counter through a mixer: as good as a generator here, and without a state that threads would fight for.
  const std::uint64_t draw = line.draws.fetch_add(1, std::memory_order_relaxed);
  const auto salt = static_cast<std::uint64_t>(&line - lines_.data());
  if (splitmix64(seed_ ^ (draw << 8U | salt) ^ count << 48U) >> 32U >= probability) return true;
  line.refused.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Throttle::add_up(TimePoint now) {
  if (!mutex_.try_lock()) return;  // another does it
  const std::int64_t at = now.time_since_epoch().count();
  const std::int64_t elapsed = at_ == INT64_MIN ? 0 : std::max<std::int64_t>(0, subtract_saturating(at, at_));
  at_ = std::max(at, at_);
  double requests = 0;
  for (Line& line : lines_) {
    // Accepts first: one that comes in between is counted without its request, never against the callee.
    accepts_ += static_cast<double>(line.accepts.exchange(0, std::memory_order_relaxed));
    requests += static_cast<double>(line.requests.exchange(0, std::memory_order_relaxed));
  }
  // What is counted came between then and now, and is as old as what came before it: after a pause it is all old. But
  // for the one that asks.
  const double asking = std::min(1.0, requests);
  const double decay = std::exp(-2.0 * static_cast<double>(elapsed) / static_cast<double>(options_.window.count()));
  requests_ = (requests_ + requests - asking) * decay + asking;
  accepts_ *= decay;
  const double excess = requests_ - options_.padding - options_.k * accepts_;
  const double probability = std::clamp(excess / (requests_ + 1), 0.0, options_.max_refused);
  const auto next = static_cast<std::uint32_t>(probability * kOne);
  if (next != probability_.load(std::memory_order_relaxed)) probability_.store(next, std::memory_order_relaxed);
  next_.store(add_saturating(at, options_.window.count() / 100), std::memory_order_relaxed);
  const std::uint64_t batch = std::max(kBatch, static_cast<std::uint64_t>(requests_ / 64));
  if (batch != batch_.load(std::memory_order_relaxed)) batch_.store(batch, std::memory_order_relaxed);
  mutex_.unlock();
}

Throttle::Snapshot Throttle::snapshot() const {
  const MutexLock lock(mutex_);
  Snapshot snapshot{.probability = probability(), .requests = requests_, .accepts = accepts_};
  for (const Line& line : lines_) snapshot.refused += line.refused.load(std::memory_order_relaxed);
  return snapshot;
}

}  // namespace quoll::core

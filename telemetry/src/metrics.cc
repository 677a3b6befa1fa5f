#include "quoll/telemetry/metrics.h"

#include <algorithm>

#include "quoll/base/assert.h"

namespace quoll::telemetry {

unsigned this_thread_shard() {
  static std::atomic<unsigned> next{0};
  thread_local const unsigned mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& older) const {
  QUOLL_ASSERT(bounds == older.bounds && buckets.size() == older.buckets.size());
  HistogramSnapshot difference = *this;
  for (std::size_t i = 0; i < buckets.size(); ++i) difference.buckets[i] -= older.buckets[i];
  difference.count -= older.count;
  difference.sum -= older.sum;
  return difference;
}

Duration HistogramSnapshot::quantile(double q) const {
  if (count == 0 || bounds.empty()) return Duration::zero();
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(count);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= rank) {
      const Duration low = i == 0 ? Duration::zero() : bounds[i - 1];
      const double width = static_cast<double>((bounds[i] - low).count());
      return low + Duration(static_cast<Duration::rep>(width * (rank - below) / here));
    }
    below += here;
  }
  return bounds.back();
}

DurationHistogram::DurationHistogram(std::span<const Duration> bounds)
    : bounds_(bounds.begin(), bounds.end()),
      lines_per_shard_((kBuckets + bounds.size() + 1 + 7) / 8),
      lines_(kShards * lines_per_shard_) {
  QUOLL_ASSERT(!bounds_.empty() && bounds_.size() <= kMaxBounds);
  QUOLL_ASSERT(bounds_.front() > Duration::zero());
  QUOLL_ASSERT(std::adjacent_find(bounds_.begin(), bounds_.end(), std::greater_equal<>()) == bounds_.end());
  for (unsigned width = 0; width < first_.size(); ++width) {
    const std::uint64_t lowest = width == 0 ? 0 : 1ULL << (width - 1);
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && lowest > static_cast<std::uint64_t>(bounds_[bucket].count())) ++bucket;
    first_[width] = static_cast<std::uint8_t>(bucket);
  }
}

// Bounds are a factor of about two apart, so the search from first_ takes one or two steps.
std::size_t DurationHistogram::bucket_of(std::uint64_t ns) const {
  const unsigned width = ns == 0 ? 0U : 64U - static_cast<unsigned>(__builtin_clzll(ns));
  std::size_t bucket = first_[width];
  while (bucket < bounds_.size() && ns > static_cast<std::uint64_t>(bounds_[bucket].count())) ++bucket;
  return bucket;
}

void DurationHistogram::observe(Duration d, unsigned shard) {
  const std::uint64_t ns = d.count() < 0 ? 0 : static_cast<std::uint64_t>(d.count());
  const std::size_t mine = shard % kShards;
  word(mine, kBuckets + bucket_of(ns)).fetch_add(1, std::memory_order_relaxed);
  word(mine, kSum).fetch_add(ns, std::memory_order_relaxed);
  Word& max = word(mine, kMax);
  std::uint64_t seen = max.load(std::memory_order_relaxed);
  while (ns > seen && !max.compare_exchange_weak(seen, ns, std::memory_order_relaxed)) {
  }
}

HistogramSnapshot DurationHistogram::snapshot() const {
  HistogramSnapshot result;
  result.bounds = bounds_;
  result.buckets.resize(bounds_.size() + 1);
  std::uint64_t sum = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    sum += word(shard, kSum).load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < result.buckets.size(); ++i) {
      result.buckets[i] += word(shard, kBuckets + i).load(std::memory_order_relaxed);
    }
  }
  // The count is the buckets' sum and not a counter of its own, so that "+Inf" and _count always agree.
  for (const std::uint64_t n : result.buckets) result.count += n;
  result.sum = Duration(static_cast<Duration::rep>(sum));
  return result;
}

std::uint64_t DurationHistogram::count() const {
  std::uint64_t count = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
      count += word(shard, kBuckets + i).load(std::memory_order_relaxed);
    }
  }
  return count;
}

Duration DurationHistogram::sum() const {
  std::uint64_t sum = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard) sum += word(shard, kSum).load(std::memory_order_relaxed);
  return Duration(static_cast<Duration::rep>(sum));
}

Duration DurationHistogram::rotate_max() {
  const std::size_t place = next_slot_.load(std::memory_order_relaxed);
  Word& slot = slots_[place];
  std::uint64_t max = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    max = std::max(max, word(shard, kMax).load(std::memory_order_relaxed));
  }
  // Into the ring before out of the shards: recent_max() must not see neither.
  slot.store(max, std::memory_order_release);
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    max = std::max(max, word(shard, kMax).exchange(0, std::memory_order_acq_rel));
  }
  slot.store(max, std::memory_order_release);
  next_slot_.store((place + 1) % kMaxSlots, std::memory_order_relaxed);
  return Duration(static_cast<Duration::rep>(max));
}

Duration DurationHistogram::recent_max() const {
  std::uint64_t max = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    max = std::max(max, word(shard, kMax).load(std::memory_order_acquire));
  }
  for (const Word& slot : slots_) max = std::max(max, slot.load(std::memory_order_acquire));
  return Duration(static_cast<Duration::rep>(max));
}

Duration DurationHistogram::last_max() const {
  const std::size_t next = next_slot_.load(std::memory_order_relaxed);
  const Word& slot = slots_[(next + kMaxSlots - 1) % kMaxSlots];
  return Duration(static_cast<Duration::rep>(slot.load(std::memory_order_acquire)));
}

}  // namespace quoll::telemetry

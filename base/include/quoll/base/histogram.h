// Histogram: counts of values in log-linear buckets, after HdrHistogram (Gil Tene).
//
// One histogram serves breaker percentiles, adaptive timeouts, telemetry and the load generator. A value below 128
// has a bucket of its own; above, each octave is cut into 64 buckets, so a reported value (the bucket's midpoint) is
// within 1/128 (0.8 %) of the recorded one. Values are unit-free integers, by convention nanoseconds; the range is
// [0, max_value] and larger values are counted in the last bucket and by `overflow()`.
//
// Thread-compatible. `AtomicHistogram` (telemetry) shares the bucket layout through bucket_index/bucket_low.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "quoll/base/time.h"

namespace quoll {

namespace log_linear {
inline constexpr unsigned kSubBucketBits = 6;  // 64 buckets an octave

// The bucket of a value: exact below 128, then 64 an octave. Monotonic in `value`.
constexpr std::uint32_t bucket_index(std::uint64_t value) {
  if (value < (2U << kSubBucketBits)) return static_cast<std::uint32_t>(value);
  const unsigned shift = 63U - static_cast<unsigned>(__builtin_clzll(value)) - kSubBucketBits;
  return (shift << kSubBucketBits) + static_cast<std::uint32_t>(value >> shift);
}
// The lowest value of a bucket, and the first value past it.
constexpr std::uint64_t bucket_low(std::uint32_t index) {
  if (index < (2U << kSubBucketBits)) return index;
  const unsigned shift = (index >> kSubBucketBits) - 1U;
  const std::uint64_t mantissa = index - (shift << kSubBucketBits);
  return mantissa << shift;
}
constexpr std::uint64_t bucket_high(std::uint32_t index) {
  return bucket_low(index + 1);
}
constexpr std::uint64_t bucket_mid(std::uint32_t index) {
  return bucket_low(index) + (bucket_high(index) - bucket_low(index)) / 2;
}
}  // namespace log_linear

class Histogram {
 public:
  // max_value: the largest value told apart; default one hour in nanoseconds (about 2,300 buckets, 18 KiB, allocated
  // as values need them).
  explicit Histogram(std::uint64_t max_value = 3'600'000'000'000ULL);

  void record(std::uint64_t value, std::uint64_t count = 1);
  void record(Duration d) { record(d.count() < 0 ? 0 : static_cast<std::uint64_t>(d.count())); }
  void merge(const Histogram& other);
  void reset();

  std::uint64_t count() const { return count_; }
  std::uint64_t overflow() const { return overflow_; }
  double sum() const { return sum_; }
  double mean() const { return count_ == 0 ? 0.0 : sum_ / static_cast<double>(count_); }
  double stddev() const;
  // Exact extremes of what was recorded; 0 when empty.
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const { return max_; }

  // The value at a percentile in [0, 100]: the midpoint of the bucket that holds the ceil(p/100 * count)-th value,
  // clamped to [min, max]; p = 0 (or below, or NaN) is min and p = 100 (or above) is max. 0 when empty.
  std::uint64_t percentile(double p) const;
  // As nanoseconds; Duration::max() for what is longer.
  Duration percentile_duration(double p) const {
    constexpr auto kMost = static_cast<std::uint64_t>(Duration::max().count());
    return Duration(static_cast<Duration::rep>(std::min(percentile(p), kMost)));
  }
  // How many recorded values are <= value (to bucket precision).
  std::uint64_t count_at_or_below(std::uint64_t value) const;

  // The buckets' counts from index 0; shorter than the full range.
  const std::vector<std::uint64_t>& buckets() const { return buckets_; }

 private:
  std::uint64_t max_value_;
  std::uint64_t count_ = 0;
  std::uint64_t overflow_ = 0;
  std::uint64_t min_ = ~0ULL;
  std::uint64_t max_ = 0;
  double sum_ = 0;
  double sum_squares_ = 0;
  std::vector<std::uint64_t> buckets_;
};

}  // namespace quoll

#include "quoll/base/histogram.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/assert.h"

namespace quoll {

Histogram::Histogram(std::uint64_t max_value) : max_value_(max_value) {
  QUOLL_ASSERT(max_value > 0);
}

void Histogram::record(std::uint64_t value, std::uint64_t count) {
  if (count == 0) return;
  if (value > max_value_) {
    overflow_ += count;
    value = max_value_;
  }
  const std::uint32_t index = log_linear::bucket_index(value);
  if (index >= buckets_.size()) buckets_.resize(index + 1);
  buckets_[index] += count;
  count_ += count;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  const double v = static_cast<double>(value);
  sum_ += v * static_cast<double>(count);
  sum_squares_ += v * v * static_cast<double>(count);
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  overflow_ += other.overflow_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  sum_squares_ += other.sum_squares_;
}

void Histogram::reset() {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = overflow_ = max_ = 0;
  min_ = ~0ULL;
  sum_ = sum_squares_ = 0;
}

double Histogram::stddev() const {
  if (count_ == 0) return 0;
  const double n = static_cast<double>(count_);
  const double variance = sum_squares_ / n - (sum_ / n) * (sum_ / n);
  return variance > 0 ? std::sqrt(variance) : 0;
}

std::uint64_t Histogram::percentile(double p) const {
  if (count_ == 0) return 0;
  if (!(p > 0)) return min_;  // NaN, too
  if (p >= 100) return max_;
  // The 7th percentile of 100 values is the 7th, although 0.07 * 100 > 7 in floating point.
  constexpr double kRounding = 1 - 1e-12;
  const double rank = std::max(1.0, std::ceil(p / 100.0 * static_cast<double>(count_) * kRounding));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (static_cast<double>(seen) >= rank)
      return std::clamp(log_linear::bucket_mid(static_cast<std::uint32_t>(i)), min_, max_);
  }
  return max_;
}

std::uint64_t Histogram::count_at_or_below(std::uint64_t value) const {
  const std::uint32_t last = log_linear::bucket_index(value);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last && i < buckets_.size(); ++i) seen += buckets_[i];
  return seen;
}

}  // namespace quoll

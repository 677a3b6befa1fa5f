#include "quoll/core/latency_quantile.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/assert.h"
#include "quoll/base/histogram.h"

namespace quoll::core {

namespace {
constexpr std::uint64_t kHourMicros = 3'600'000'000;
static_assert(log_linear::bucket_index(kHourMicros) < DecayingQuantile::kCodes);
}  // namespace

DecayingQuantile::DecayingQuantile(double quantile, unsigned window)
    : tail_(static_cast<std::uint64_t>(std::llround((1 - quantile) * 4294967296.0))), window_(window), counts_(kCodes) {
  QUOLL_ASSERT(quantile >= 0.5 && quantile <= 0.9999 && window >= 16 && window <= 60'000);
}

std::uint16_t DecayingQuantile::code_of(Duration latency) {
  if (latency.count() <= 0) return 0;
  const std::uint64_t micros = std::min(static_cast<std::uint64_t>(latency.count()) / 1000, kHourMicros);
  return static_cast<std::uint16_t>(log_linear::bucket_index(micros));
}

void DecayingQuantile::add(std::uint16_t code, unsigned weight) {
  QUOLL_ASSERT(code < kCodes && weight <= 64);
  counts_[code] = static_cast<std::uint16_t>(counts_[code] + weight);
  total_ += weight;
  if (code > index_) above_ += weight;
  low_ = std::min(low_, code);
  high_ = std::max(high_, code);
  if (total_ >= window_) halve();
  find_index();
}

void DecayingQuantile::find_index() {
  const auto allowed = static_cast<unsigned>(total_ * tail_ >> 32U);
  while (above_ > allowed) above_ -= counts_[++index_];
  while (index_ > 0 && above_ + counts_[index_] <= allowed) above_ += counts_[index_--];
}

// An odd count hands its half to the next lower bucket. So the total is halved exactly, and a single slow sample sinks
// and is forgotten, where rounding up would keep it for ever and rounding down would forget every tail at once.
void DecayingQuantile::halve() {
  unsigned carry = 0;
  total_ = 0;
  above_ = 0;
  for (unsigned i = high_ + 1U; i-- > low_;) {
    const unsigned twice = counts_[i] + carry;
    counts_[i] = static_cast<std::uint16_t>(twice / 2);
    carry = twice % 2;
    total_ += counts_[i];
    if (i > index_) above_ += counts_[i];
  }
  while (high_ > low_ && counts_[high_] == 0) --high_;
  while (low_ < high_ && counts_[low_] == 0) ++low_;
}

Duration DecayingQuantile::value() const {
  if (total_ == 0) return Duration::zero();
  return std::chrono::microseconds(log_linear::bucket_high(index_));
}

void DecayingQuantile::clear() {
  std::fill(counts_.begin(), counts_.end(), std::uint16_t{0});
  total_ = above_ = 0;
  index_ = high_ = 0;
  low_ = kCodes - 1;
}

}  // namespace quoll::core

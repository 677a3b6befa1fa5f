#include "ring.h"

#include <algorithm>
#include <array>

namespace quoll::core::internal {

namespace {

// One bit each; the bit's place is the field's place in this list. kCalls is implied.
constexpr std::array<Field, 6> kKept = {kFailed, kSlow, kRescued, kFailure, kTimeout, kCancelled};

bool has(const Tally& tally, Field field) {
  const std::uint64_t word = tally.delta[field / 2];
  return ((field % 2 == 0 ? word : word >> kHalfBits) & 1U) != 0;
}

}  // namespace

Ring::Ring(std::size_t size) : flags_(size), codes_(size) {}

void Ring::push(const Tally& event) {
  if (event.delta[kCalls / 2] == 0) {
    counts_[kCancelled] += has(event, kCancelled) ? 1 : 0;
    counts_[kIgnored] += has(event, kIgnored) ? 1 : 0;
    counts_[kDropped] += has(event, kDropped) ? 1 : 0;
    return;
  }
  std::uint8_t flags = 0;
  for (std::size_t bit = 0; bit < kKept.size(); ++bit) {
    if (has(event, kKept[bit])) flags |= static_cast<std::uint8_t>(1U << bit);
  }
  const bool full = counts_[kCalls] == flags_.size();
  const std::uint8_t leaving = full ? flags_[next_] : 0;
  for (std::size_t bit = 0; bit < kKept.size() && flags != leaving; ++bit) {
    counts_[kKept[bit]] += (flags >> bit) & 1U;
    counts_[kKept[bit]] -= (leaving >> bit) & 1U;
  }
  if (!full) ++counts_[kCalls];
  flags_[next_] = flags;
  codes_[next_] = event.code;
  next_ = next_ + 1 == flags_.size() ? 0 : next_ + 1;
}

void Ring::clear() {
  counts_ = {};
  next_ = 0;
}

Latencies Ring::latencies() const {
  Latencies found;
  for (std::size_t i = 0; i < counts_[kCalls]; ++i) {
    found.codes.push_back({codes_[i], 1.0});
    found.min = std::min(found.min, codes_[i]);
    found.max = std::max(found.max, codes_[i]);
  }
  return found;
}

}  // namespace quoll::core::internal

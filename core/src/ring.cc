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

void Ring::push(const Tally& call) {
  std::uint8_t flags = 0;
  for (std::size_t bit = 0; bit < kKept.size(); ++bit) flags |= static_cast<std::uint8_t>(has(call, kKept[bit]) << bit);
  const bool full = counts_[kCalls] == flags_.size();
  for (std::size_t bit = 0; bit < kKept.size(); ++bit) {
    if (full) counts_[kKept[bit]] -= (flags_[next_] >> bit) & 1U;
    counts_[kKept[bit]] += (flags >> bit) & 1U;
  }
  if (!full) ++counts_[kCalls];
  flags_[next_] = flags;
  codes_[next_] = call.code;
  next_ = (next_ + 1) % flags_.size();
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

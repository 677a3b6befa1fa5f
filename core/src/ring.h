// The last N calls, exactly, for count windows (private to core). Order is what it is about, so it is not sharded: the
// breaker's lock guards it.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "window.h"

namespace quoll::core::internal {

class Ring {
 public:
  explicit Ring(std::size_t size);

  // An event that is no call takes no place: cancelled and ignored ones are counted since the last clear().
  void push(const Tally& event);
  void clear();
  const FieldCounts& counts() const { return counts_; }
  Latencies latencies() const;
  std::size_t memory_bytes() const { return flags_.size() * sizeof(flags_[0]) + codes_.size() * sizeof(codes_[0]); }

 private:
  std::vector<std::uint8_t> flags_;
  std::vector<std::uint16_t> codes_;
  std::size_t next_ = 0;
  FieldCounts counts_{};
};

}  // namespace quoll::core::internal

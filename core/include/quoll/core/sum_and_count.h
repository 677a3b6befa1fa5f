// SumAndCount: how many latencies there were and their sum, told by many threads at one atomic add each.
//
// One word holds both, the sum of microseconds in the upper 44 bits and the count in the lower 20; so a mean is never
// that of a sum without its count. When one of the two has used half of its room, the thread that sees it moves all to
// two wide words. From there to the end of the room is half a million samples, or two thousand of an hour: no thread
// has to be quick. The wide words hold 500 centuries of latency.
//
// Thread-safe, lock-free. What is being moved may be missing from count() and take() for a moment, and is in the next.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "quoll/base/time.h"

namespace quoll::core {

class SumAndCount {
 public:
  struct Sums {
    std::uint64_t micros = 0;
    std::uint64_t count = 0;
  };

  // Negative latencies count as zero, those above an hour as an hour.
  void add(Duration latency) {
    const std::int64_t micros = std::clamp<std::int64_t>(latency.count() / 1000, 0, kHourMicros);
    const std::uint64_t before =
        packed_.fetch_add((static_cast<std::uint64_t>(micros) << kCountBits) + 1, std::memory_order_relaxed);
    if ((before & kHalfFull) != 0) spill();
  }

  // All since the last time.
  Sums take() {
    const std::uint64_t packed = packed_.exchange(0, std::memory_order_relaxed);
    Sums sums{.micros = packed >> kCountBits, .count = packed & kCountMask};
    if (wide_count_.load(std::memory_order_relaxed) == 0) return sums;
    sums.micros += wide_micros_.exchange(0, std::memory_order_relaxed);
    sums.count += wide_count_.exchange(0, std::memory_order_relaxed);
    return sums;
  }
  std::uint64_t count() const {
    return (packed_.load(std::memory_order_relaxed) & kCountMask) + wide_count_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned kCountBits = 20;
  static constexpr std::uint64_t kCountMask = (1U << kCountBits) - 1;
  static constexpr std::uint64_t kHalfFull = (std::uint64_t{1} << 63U) | (1U << (kCountBits - 1));
  static constexpr std::int64_t kHourMicros = 3'600'000'000;

  void spill() {
    const std::uint64_t packed = packed_.exchange(0, std::memory_order_relaxed);
    wide_micros_.fetch_add(packed >> kCountBits, std::memory_order_relaxed);
    wide_count_.fetch_add(packed & kCountMask, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> packed_{0};
  std::atomic<std::uint64_t> wide_micros_{0};
  std::atomic<std::uint64_t> wide_count_{0};
};

}  // namespace quoll::core

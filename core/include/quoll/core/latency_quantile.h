// DecayingQuantile and SampleLanes: one quantile of recent latencies, kept up to date sample by sample.
//
// Why not an average: a mean says nothing of the slowest calls, and an estimate of mean + k deviations assumes a shape
// that latencies do not have. Why not a histogram that is scanned: a policy needs the answer after every sample.
//
// Algorithm: counts in log-linear buckets (base/histogram.h, microseconds), the bucket of the quantile, and how many
// samples lie above it. A sample moves that bucket by as many steps as the quantile moves, mostly none. At `window`
// samples all counts are halved, so that the weight of a sample halves every window / 2 samples:
//
//   upwards    a shift of all samples reaches the quantile q after at most (1 - q) * window + 1 samples
//   downwards  after log2(1 / (1 - q)) halvings, (window / 2) samples each, rounded up
//
// With q = 0.99 and a window of 512 that is 6 samples up and 7 * 256 = 1,792 down: quick to grow patient, slow to grow
// strict. The value returned is its bucket's upper end, at most 1.6 % above the sample.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::core {

// Thread-compatible.
class DecayingQuantile {
 public:
  // quantile in [0.5, 0.9999], window in [16, 60000] samples. Allocates here only: about 3.5 KiB.
  DecayingQuantile(double quantile, unsigned window);

  // The bucket of a latency; negative ones count as zero, those above an hour as an hour. Below kCodes.
  static std::uint16_t code_of(Duration latency);
  static constexpr std::uint16_t kCodes = 2048;

  void add(std::uint16_t code);
  void add(Duration latency) { add(code_of(latency)); }
  // Zero while empty.
  Duration value() const;
  // The weight held: grows to `window`, then moves between half of it and all.
  unsigned samples() const { return total_; }
  void clear();

 private:
  void settle();
  void halve();

  std::uint64_t tail_;  // 1 - quantile, in 2^-32
  unsigned window_;
  unsigned total_ = 0;
  unsigned above_ = 0;  // samples in buckets past index_; at most tail_ of total_
  std::uint16_t index_ = 0;
  std::uint16_t low_ = kCodes - 1;  // no counts outside [low_, high_]
  std::uint16_t high_ = 0;
  std::vector<std::uint16_t> counts_;
};

// Up to four samples a thread sets aside in one word, so that the shared estimate is locked every fourth time only.
// Nothing is lost: a word is exchanged whole. A lane holds 15 bits; the policy says what they mean.
//
// Thread-safe.
class SampleLanes {
 public:
  static constexpr unsigned kLanes = 4;
  struct Batch {
    std::array<std::uint16_t, kLanes> values;
    unsigned count = 0;
  };

  // Sets `value` aside and returns true, or returns false and hands out what was set aside before; the caller then adds
  // that and its own. value < 0x7fff.
  bool hold(unsigned shard, std::uint16_t value, Batch& full) {
    std::atomic<std::uint64_t>& word = words_[shard % kShards].word;
    std::uint64_t held = word.load(std::memory_order_relaxed);
    while (true) {
      const bool last = (held >> 32U) != 0;  // three lanes are taken
      const std::uint64_t next = last ? 0 : held << 16U | (value + 1U);
      if (!word.compare_exchange_weak(held, next, std::memory_order_relaxed)) continue;
      if (!last) return true;
      unpack(held, full);
      return false;
    }
  }
  // What is set aside in one shard now.
  void drain(unsigned shard, Batch& out) {
    std::atomic<std::uint64_t>& word = words_[shard % kShards].word;
    if (word.load(std::memory_order_relaxed) == 0) return;
    unpack(word.exchange(0, std::memory_order_relaxed), out);
  }

  static constexpr unsigned kShards = 4;

 private:
  static void unpack(std::uint64_t held, Batch& out) {
    // Oldest first: it is in the highest lane.
    for (unsigned shift = 64; shift != 0; shift -= 16) {
      const auto lane = static_cast<std::uint16_t>(held >> (shift - 16U));
      if (lane != 0) out.values[out.count++] = static_cast<std::uint16_t>(lane - 1);
    }
  }
  struct alignas(64) Line {
    std::atomic<std::uint64_t> word{0};
  };
  std::array<Line, kShards> words_;
};

}  // namespace quoll::core

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

#include <algorithm>
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

  // weight: for how many samples it stands; at most 64.
  void add(std::uint16_t code, unsigned weight = 1);
  void add(Duration latency) { add(code_of(latency)); }
  // Zero while empty.
  Duration value() const;
  // The weight held: grows to `window`, then moves between half of it and all.
  unsigned samples() const { return total_; }
  // The quantile's bucket.
  std::uint16_t code() const { return index_; }
  void clear();

 private:
  void find_index();
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

// What threads set aside on lines of their own, so that the shared estimate is seldom locked, whose every change costs
// the other threads a cache miss.
//
// Samples above the estimate are what moves it up: four of them go in together. Of the others, which only say that the
// estimate still holds or has become too high, one in four is kept and stands for four, and they go in up to 24 at a
// time. So an estimate learns of a shift up 3 samples late for each thread, and of a shift down 96. Which one in four:
// a golden-ratio sequence, even on any stretch and in step with no pattern of the traffic (Knuth, TAOCP 3, 6.4). While
// the estimate is still being filled, every sample counts as above.
//
// Thread-safe. Two threads that share a shard may lose a few of the samples that are not above, or count an older one
// in their place; none of those above is lost.
class SampleLanes {
 public:
  struct Held {
    std::uint16_t code = 0;
    std::uint16_t weight = 0;
  };
  static constexpr unsigned kShards = 4;
  static constexpr unsigned kAbove = 4;
  static constexpr unsigned kOthers = 24;
  static constexpr unsigned kStandsFor = 4;
  struct Batch {
    std::array<Held, kAbove + kOthers> held;
    unsigned count = 0;
    void push(unsigned code, unsigned weight) {
      held[count++] = {static_cast<std::uint16_t>(code), static_cast<std::uint16_t>(weight)};
    }
  };

  // For an estimate with that window: what is set aside stays small beside it.
  explicit SampleLanes(unsigned window) : depth_(std::clamp(window / 16, 1U, kOthers)) {}

  // Sets a sample aside and returns true; or returns false and hands out all that the shard had set aside, this one
  // included. code < 0x7fff.
  bool hold(unsigned shard, std::uint16_t code, Batch& full) {
    Line& line = lines_[shard % kShards];
    return code > estimate_.load(std::memory_order_relaxed) ? hold_above(line, code, full)
                                                            : hold_other(line, code, full);
  }
  // What is set aside in one shard now.
  void drain(unsigned shard, Batch& out) { collect(lines_[shard % kShards], out); }
  // Whatever changed the estimate tells by this; -1: it is still being filled.
  void set_estimate(int code) {
    if (code != estimate_.load(std::memory_order_relaxed)) estimate_.store(code, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Line {
    std::atomic<std::uint64_t> above{0};  // four lanes of code + 1; the newest lowest
    std::atomic<std::uint32_t> seen{0};   // of the others
    std::atomic<std::uint32_t> kept{0};
    std::array<std::atomic<std::uint16_t>, kOthers> others{};  // code + 1
  };

  bool hold_above(Line& line, std::uint16_t code, Batch& full) {
    std::uint64_t held = line.above.load(std::memory_order_relaxed);
    while (true) {
      const bool last = (held >> 32U) != 0;  // three lanes are taken
      const std::uint64_t next = last ? 0 : held << 16U | (code + 1U);
      if (!line.above.compare_exchange_weak(held, next, std::memory_order_relaxed)) continue;
      if (!last) return true;
      collect_others(line, full);
      unpack(held, full);
      full.push(code, 1);
      return false;
    }
  }
  bool hold_other(Line& line, std::uint16_t code, Batch& full) {
    constexpr std::uint32_t kGolden = 2'654'435'769U;  // 2^32 / golden ratio
    constexpr std::uint32_t kShare = UINT32_MAX / kStandsFor;
    if (line.seen.fetch_add(1, std::memory_order_relaxed) * kGolden > kShare) return true;
    const std::uint32_t at = line.kept.fetch_add(1, std::memory_order_relaxed);
    if (at < depth_) line.others[at].store(static_cast<std::uint16_t>(code + 1U), std::memory_order_relaxed);
    if (at != depth_ - 1) return true;
    collect(line, full);
    return false;
  }
  void collect(Line& line, Batch& out) {
    collect_others(line, out);
    if (line.above.load(std::memory_order_relaxed) != 0) {
      unpack(line.above.exchange(0, std::memory_order_relaxed), out);
    }
  }
  void collect_others(Line& line, Batch& out) {
    const std::uint32_t kept = std::min(line.kept.exchange(0, std::memory_order_relaxed), depth_);
    for (std::uint32_t i = 0; i < kept; ++i) {
      const std::uint16_t lane = line.others[i].load(std::memory_order_relaxed);
      if (lane != 0) out.push(lane - 1U, kStandsFor);
    }
  }
  static void unpack(std::uint64_t held, Batch& out) {
    // Oldest first: it is in the highest lane.
    for (unsigned shift = 64; shift != 0; shift -= 16) {
      const auto lane = static_cast<std::uint16_t>(held >> (shift - 16U));
      if (lane != 0) out.push(lane - 1U, 1);
    }
  }

  alignas(64) std::atomic<int> estimate_{-1};  // read by all, seldom written
  const std::uint32_t depth_;
  std::array<Line, kShards> lines_;
};

}  // namespace quoll::core

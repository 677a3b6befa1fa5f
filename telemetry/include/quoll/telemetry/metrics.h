// Counter, Gauge, DurationHistogram: what the hot path writes to.
//
// Counters and histograms are sharded: each thread adds to a cache line of its own and a reader sums the shards, so
// workers never contend. Pass the worker's index as `shard` (any number; it is taken modulo kShards), or leave it out
// and the calling thread's own number is used. Two threads on one shard are correct, only slower.
//
// All are thread-safe, take no lock and allocate nothing after construction. Readers see each shard at some instant
// during the read: a sum is monotonic and complete, but not a snapshot across shards. The Registry makes them, or they
// stand alone.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::telemetry {

// A power of two. More workers than shards share them.
inline constexpr unsigned kShards = 8;

// A small number that is the calling thread's own for its life: 0, 1, 2, ... in the order of first use.
unsigned this_thread_shard();

// A count that only goes up.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(std::uint64_t n = 1, unsigned shard = this_thread_shard()) {
    shards_[shard % kShards].value.fetch_add(n, std::memory_order_relaxed);
  }
  std::uint64_t value() const {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Shard, kShards> shards_;
};

// A value that goes up and down. Not sharded: the last set() wins.
class Gauge {
 public:
  Gauge() = default;
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Upper bounds for request latencies: dense from 50 ms to 1 s, where timeouts live, so that p50 and p95 interpolated by
// Prometheus are good to about 10 % there.
inline constexpr std::array<Duration, 21> kLatencyBounds = {
    std::chrono::milliseconds(1),   std::chrono::microseconds(2500), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),  std::chrono::milliseconds(25),   std::chrono::milliseconds(50),
    std::chrono::milliseconds(75),  std::chrono::milliseconds(100),  std::chrono::milliseconds(150),
    std::chrono::milliseconds(200), std::chrono::milliseconds(300),  std::chrono::milliseconds(400),
    std::chrono::milliseconds(500), std::chrono::milliseconds(600),  std::chrono::milliseconds(800),
    std::chrono::seconds(1),        std::chrono::milliseconds(1500), std::chrono::seconds(2),
    std::chrono::seconds(3),        std::chrono::seconds(5),         std::chrono::seconds(10)};

// Upper bounds for our own delays (loop lag, local delay, queueing): from 50 us, what a healthy loop shows, to 5 s.
inline constexpr std::array<Duration, 20> kLagBounds = {
    std::chrono::microseconds(50),  std::chrono::microseconds(100), std::chrono::microseconds(250),
    std::chrono::microseconds(500), std::chrono::milliseconds(1),   std::chrono::microseconds(2500),
    std::chrono::milliseconds(5),   std::chrono::milliseconds(10),  std::chrono::milliseconds(25),
    std::chrono::milliseconds(50),  std::chrono::milliseconds(75),  std::chrono::milliseconds(100),
    std::chrono::milliseconds(150), std::chrono::milliseconds(200), std::chrono::milliseconds(300),
    std::chrono::milliseconds(500), std::chrono::milliseconds(750), std::chrono::seconds(1),
    std::chrono::seconds(2),        std::chrono::seconds(5)};

// What a histogram held at some instant. A plain value; thread-compatible.
struct HistogramSnapshot {
  std::vector<Duration> bounds;        // upper, inclusive, ascending
  std::vector<std::uint64_t> buckets;  // one more than bounds: the last counts what is above every bound
  std::uint64_t count = 0;             // the sum of buckets
  Duration sum{};

  // What came after `older`, a snapshot of the same histogram: for a rate or a percentile of the last second.
  HistogramSnapshot since(const HistogramSnapshot& older) const;
  // Interpolated within the bucket as Prometheus' histogram_quantile does; q in [0, 1]. Zero when empty; the highest
  // bound when the value lies above it.
  Duration quantile(double q) const;
};

// A distribution of durations in fixed buckets, as Prometheus wants them.
class DurationHistogram {
 public:
  static constexpr std::size_t kMaxBounds = 64;
  // recent_max() covers this many rotations and the time since the last one.
  static constexpr std::size_t kMaxSlots = 15;

  // bounds: upper and inclusive, positive, strictly ascending, 1 to kMaxBounds of them.
  explicit DurationHistogram(std::span<const Duration> bounds = kLatencyBounds);
  DurationHistogram(const DurationHistogram&) = delete;
  DurationHistogram& operator=(const DurationHistogram&) = delete;

  // A negative duration counts as zero.
  void observe(Duration d, unsigned shard = this_thread_shard());

  std::span<const Duration> bounds() const { return bounds_; }
  HistogramSnapshot snapshot() const;
  std::uint64_t count() const;
  Duration sum() const;

  // The largest value since the last rotation, which this ends. For one caller: a sampler that comes once a second
  // (Registry::rotate_maxima does it for all histograms of a registry).
  Duration rotate_max();
  // The largest value of the last kMaxSlots rotations and since: with one rotation a second, of the last 15 s. A scrape
  // at any interval up to that misses no peak. Readers do not disturb each other.
  Duration recent_max() const;
  // The largest value between the last two rotations.
  Duration last_max() const;

 private:
  using Word = std::atomic<std::uint64_t>;
  struct alignas(64) Line {
    std::array<Word, 8> words{};
  };
  // A shard's words: sum in ns, max in ns, then the buckets. Whole cache lines, so that shards share none.
  static constexpr std::size_t kSum = 0;
  static constexpr std::size_t kMax = 1;
  static constexpr std::size_t kBuckets = 2;
  Word& word(std::size_t shard, std::size_t index) {
    return lines_[shard * lines_per_shard_ + index / 8].words[index % 8];
  }
  const Word& word(std::size_t shard, std::size_t index) const {
    return lines_[shard * lines_per_shard_ + index / 8].words[index % 8];
  }
  std::size_t bucket_of(std::uint64_t ns) const;

  const std::vector<Duration> bounds_;
  const std::size_t lines_per_shard_;
  std::vector<Line> lines_;
  // first_[w]: the first bucket that a value of w significant bits can fall in; the search goes up from there.
  std::array<std::uint8_t, 65> first_{};
  std::array<Word, kMaxSlots> slots_{};
  std::atomic<std::size_t> next_slot_{0};
};

}  // namespace quoll::telemetry

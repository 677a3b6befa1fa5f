// The counters behind a breaker (private to core). docs/decisions/0001 tells why they look like this.
//
// A time window is shards x buckets of slots. A slot holds five 64-bit words, each [version:16 | high:24 | low:24], and
// an epoch [version:16 | tick:48]; tick = now / bucket width, counted from long before the clock's epoch, so that
// buckets roll at any time. A thread adds by compare-exchange to a word of its own
// shard, and only while the word still has the version that the thread read in the epoch. The thread that reuses a slot
// for a new tick, or empties the window, changes the version, so that a late add can't reach a window it does not
// belong to; it starts again. Counts leave a slot only under the mutex, into `flushed_`: totals() is exact and never
// goes back.
//
// Latencies: each slot keeps some 16-bit log-linear codes (0.8 %), all of them until full, then a uniform sample
// (Vitter's algorithm R, 1985; the draw is a hash of the call's number and the version).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/time.h"
#include "quoll/core/outcome.h"

namespace quoll::core::internal {

// Two counters to a word: word = field / 2, high half when odd. Dropped: permits that were, cancelled calls of a kind.
enum Field : std::uint8_t {
  kCalls,
  kFailed,
  kSlow,
  kRescued,
  kFailure,
  kTimeout,
  kCancelled,
  kIgnored,
  kRejected,
  kDropped
};
inline constexpr std::size_t kFields = 10;
inline constexpr std::size_t kWords = kFields / 2;
using FieldCounts = std::array<std::uint64_t, kFields>;

inline constexpr unsigned kHalfBits = 24;
inline constexpr std::uint64_t kLow = 1;
inline constexpr std::uint64_t kHigh = std::uint64_t{1} << kHalfBits;
inline constexpr unsigned kVersionShift = 2 * kHalfBits;
inline constexpr std::uint64_t kTickMask = (std::uint64_t{1} << kVersionShift) - 1;
inline constexpr std::uint64_t kHalfMask = kHigh - 1;
// A counter with its top bit set is halved before it can run into its neighbour.
inline constexpr std::uint64_t kNearlyFull = (kHigh >> 1U) | ((kHigh >> 1U) << kHalfBits);
inline constexpr unsigned kIndexBits = 8;
// The tick in which the clock's epoch lies: there are fewer than so many before it, of a millisecond each.
inline constexpr std::uint64_t kEpochTick = std::uint64_t{1} << 47U;

// What one event adds to each word.
struct Tally {
  std::array<std::uint64_t, kWords> delta{};
  std::uint16_t code = 0;  // latency, for events that are a call
};

// A latency and how many calls it stands for.
struct WeightedCode {
  std::uint16_t code;
  double weight;
};
struct Latencies {
  std::vector<WeightedCode> codes;
  std::uint16_t min = 0xffff;
  std::uint16_t max = 0;
};

// Thread-safe.
class Window {
  struct Slot {
    std::atomic<std::uint64_t> epoch;
    std::array<std::atomic<std::uint64_t>, kWords> words;
    std::atomic<std::uint32_t> extremes;  // [max code:16 | min code:16]
  };
  struct Head {
    std::atomic<std::uint64_t> current;  // [tick:56 | slot index:8] of the latest time, a cache of the last division
    std::array<std::atomic<std::uint64_t>, kFields> direct;
    std::atomic<std::uint64_t> stale;
  };

 public:
  // A slot as it was when it was looked up. Empty when `now` lies a window or more behind.
  class Ticket {
   public:
    explicit operator bool() const { return slot_ != nullptr; }

   private:
    friend class Window;
    Slot* slot_ = nullptr;
    std::atomic<std::uint16_t>* codes_ = nullptr;
    std::uint64_t version_ = 0;
    unsigned shard_ = 0;
    unsigned index_ = 0;
  };
  static constexpr std::uint32_t kGone = ~std::uint32_t{0};

  // No buckets: only the totals are kept.
  Window(Duration length, unsigned buckets, unsigned shards);

  unsigned shard_of(unsigned any) const { return any < shards_ ? any : any % shards_; }
  std::uint64_t tick_of(TimePoint now) const;
  Duration bucket_width() const { return Duration(static_cast<Duration::rep>(width_)); }

  // The slot for `now`; for events without a time of their own, that of the latest time that any shard has heard of.
  Ticket open(unsigned shard, TimePoint now);
  Ticket open_latest(unsigned shard, TimePoint least);
  // A time at which nothing is counted.
  void note_time(TimePoint now);
  // Returns how many calls the slot held before, or kGone: nothing was added, because the slot was emptied or reused
  // since the ticket was drawn. Then await_rotation() and start again from open().
  std::uint32_t add(const Ticket& ticket, const Tally& tally);
  void await_rotation();
  // Into the totals only.
  void add_direct(unsigned shard, const Tally& tally);
  void reject(unsigned shard, TimePoint now);

  // The same for the two things that happen most, inlined from window_fast.h: they succeed when the slot is there, its
  // counters have room and nobody is in between; otherwise they do nothing, and the caller goes the long way. `valid`
  // is asked after the slot was looked up (see breaker_core.h).
  template <typename Valid>
  bool try_add_call(unsigned shard, TimePoint now, Duration latency, Valid valid, std::uint32_t& number);
  bool try_reject(unsigned shard, TimePoint now);
  // Of what add_direct counted, this was of an older generation.
  void note_stale(unsigned shard) { head(shard).stale.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t stale() const;

  // Sums over the buckets that are not over at `now`.
  FieldCounts counts(TimePoint now) const;
  // Only what trips: calls, failed, slow.
  FieldCounts rates(TimePoint now) const;
  Latencies latencies(TimePoint now) const;
  FieldCounts totals() const QUOLL_EXCLUDES(mutex_);
  void clear() QUOLL_EXCLUDES(mutex_);

  std::size_t memory_bytes() const { return stride_ * shards_; }

 private:
  struct Free {
    void operator()(std::byte* block) const;
  };

  struct Found {
    Slot* slot = nullptr;
    std::uint64_t version = 0;
    unsigned index = 0;
  };
  Found find(unsigned shard, TimePoint now);
  static bool bump_once(const Found& found, std::size_t word, std::uint64_t delta, std::uint64_t& before);
  void keep_latency(Slot& slot, std::atomic<std::uint16_t>* codes, std::uint64_t version, std::uint32_t number,
                    std::uint16_t code) const;

  // Modulo 2^64: less tick * width_, the time since the tick began.
  std::uint64_t nanos(TimePoint now) const {
    return static_cast<std::uint64_t>(now.time_since_epoch().count()) + bias_;
  }
  std::uint64_t advance(Head& own, TimePoint now);
  Head& head(unsigned shard) const;
  Slot& slot(unsigned shard, unsigned index) const;
  std::atomic<std::uint16_t>* codes(unsigned shard, unsigned index) const;
  Ticket open_tick(unsigned shard, std::uint64_t tick, unsigned index);
  std::uint32_t bump(const Ticket& ticket, std::size_t word, std::uint64_t delta);
  void reuse(Slot& slot, std::uint64_t tick) QUOLL_REQUIRES(mutex_);
  // Keeps the rates and makes room when a counter is about to be full.
  void halve(unsigned index) QUOLL_EXCLUDES(mutex_);
  template <typename Visit>
  void for_each_live(TimePoint now, Visit visit) const;

  const unsigned shards_;
  const unsigned buckets_;
  const std::uint64_t width_;  // ns; 0 without buckets
  const std::uint64_t bias_;   // ns: kEpochTick buckets
  const unsigned codes_per_slot_;
  const std::size_t codes_at_;
  const std::size_t stride_;
  std::unique_ptr<std::byte, Free> block_;
  mutable Mutex mutex_;
  FieldCounts flushed_ QUOLL_GUARDED_BY(mutex_){};
};

}  // namespace quoll::core::internal

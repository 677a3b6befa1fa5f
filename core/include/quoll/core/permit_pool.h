// PermitPool: a number of permits that threads share without sharing a cache line.
//
// Why not one counter: two threads that increment the same word wait for its line, 20 to 100 ns each; that is more than
// all the rest of a policy. Here a permit that comes back stays with the shard it was given to, and the next call of
// that shard takes it again. Only a shard that has run out looks into the common pool, and then at the other shards.
//
// Invariant: pool + free permits of all shards + permits in use = limit, at every instant. So never more than `limit`
// are in use while the limit stands. When it is lowered under what is in use, the pool becomes negative (a debt), and
// permits that come back pay it first. On one thread a refusal is exact; with several, a permit on its way from one
// shard to another may be missed.
//
// Thread-safe, lock-free. Does not allocate.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace quoll::core {

class PermitPool {
 public:
  static constexpr unsigned kShards = 4;
  static constexpr unsigned kMaxLimit = 1'000'000;

  // limit <= kMaxLimit.
  explicit PermitPool(unsigned limit);

  bool try_take(unsigned shard) {
    if (pool_.load(std::memory_order_relaxed) < 0) collect();
    if (withdraw(lines_[shard % kShards].free) || withdraw(pool_)) return true;
    return steal(shard);
  }
  // One that try_take gave, to the same shard.
  void give_back(unsigned shard) {
    // Sequentially consistent, so that a waiter who announced itself before is seen after (see bulkhead.h).
    if (pool_.load(std::memory_order_relaxed) < 0) {
      pool_.fetch_add(1);
    } else {
      lines_[shard % kShards].free.fetch_add(1);
    }
  }

  void set_limit(unsigned limit);
  unsigned limit() const { return limit_.load(std::memory_order_relaxed); }
  // Exact when nothing else is going on.
  unsigned in_use() const;

 private:
  static bool withdraw(std::atomic<std::int32_t>& from) {
    std::int32_t there = from.load();
    while (there > 0) {
      if (from.compare_exchange_weak(there, there - 1)) return true;
    }
    return false;
  }
  bool steal(unsigned shard);
  void collect();

  struct alignas(64) Line {
    std::atomic<std::int32_t> free{0};
  };
  std::array<Line, kShards> lines_;
  alignas(64) std::atomic<std::int32_t> pool_;
  std::atomic<unsigned> limit_;
};

}  // namespace quoll::core

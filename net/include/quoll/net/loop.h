// Loop: what the code on one worker shares: the executor, its clock, the deadlines, the stamp clock, and counters about
// stamps.
//
// Loop-confined, except the counters, which any thread may read.
#pragma once

#include <atomic>
#include <cstdint>

#include "quoll/net/deadline_queue.h"
#include "quoll/net/executor.h"
#include "quoll/net/stamp_clock.h"

namespace quoll::net {

// A counter with one writer and any number of readers: no locked instruction.
class OwnedCounter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct LoopCounters {
  OwnedCounter stamped_reads;    // reads with an arrival stamp that can be trusted
  OwnedCounter unstamped_reads;  // reads without: `arrived_at` was then the time of the read
};

struct Loop {
  explicit Loop(Executor on) : executor(on), deadlines(on, clock), stamps(read_clocks()) {}

  // Read afresh at each call: never a time that the loop has cached.
  TimePoint now() const { return clock.now(); }

  Executor executor;
  LoopClock clock;
  DeadlineQueue deadlines;
  StampClock stamps;
  LoopCounters counters;
  // Whether sockets ask the kernel for arrival stamps. Default true; set it before the first socket. False is for
  // measuring what stamps cost and for testing life without them.
  bool want_stamps = true;
};

}  // namespace quoll::net

// Bulkhead: at most so many calls under way, and at most so many waiting for a place.
//
// Why a bound on the wait too: a queue without one turns a short overload into a long one, in which every call is
// answered late. Most queues should be short or absent.
//
// The waiting itself is not done here: core has no threads and no timers. A caller that finds no place leaves a ticket,
// waits in its own way (a coroutine, a condition variable), and is told by the call that frees a place:
//
//   auto slot = bulkhead.try_acquire(shard);                     // admitted?
//   if (!slot) auto ticket = bulkhead.enqueue(tag, deadline);    // nullopt: the queue is full
//   hand_out();                                                  // after each enqueue and after each slot that ends:
//   while (auto ready = bulkhead.next_ready(now)) wake(ready->tag, std::move(ready->slot));
//
// next_ready() hands out those whose deadline has passed first, without a slot, wherever they stand in the queue. Then
// it gives places to waiters, first come first served; nobody overtakes them. A queue that is full may hold some whose
// time is over: call hand_out() and enqueue once more before refusing. A waiter that goes away says cancel(ticket);
// when that returns false its place has already been handed out, and dropping the slot frees it. Calling next_ready
// after *enqueue*, too, closes the gap in which a place became free between try_acquire and enqueue.
//
// Thread-safe. Without waiters no lock is taken. Nothing is allocated after construction.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/deadline_heap.h"
#include "quoll/core/ticket_list.h"

namespace quoll::core {

struct BulkheadOptions {
  unsigned max_in_flight = 25;
  unsigned max_waiting = 0;

  static void describe(auto&& field) {
    using O = BulkheadOptions;
    field("max_in_flight", &O::max_in_flight, schema::within(1, PermitPool::kMaxLimit),
          "What the callee (or the pool behind it) bears at a time.");
    field("max_waiting", &O::max_waiting, schema::within(0, 100'000).zero_is("refuse at once"),
          "Calls that may wait for a place, 68 bytes each: for short bursts.");
  }

  std::vector<std::string> validate() const;
};

class Bulkhead {
 public:
  // `options` must be valid.
  explicit Bulkhead(const BulkheadOptions& options);

  // A place, or nothing: all are taken, or others wait for one.
  std::optional<Slot> try_acquire(unsigned shard = 0) {
    if (waiting_.load(std::memory_order_relaxed) != 0) return std::nullopt;
    return limit_.try_acquire(shard);
  }

  // tag: whatever finds the caller again. Nothing when the queue is full.
  std::optional<Ticket> enqueue(std::uint64_t tag, TimePoint deadline = TimePoint::max());
  bool cancel(Ticket ticket);

  struct Ready {
    std::uint64_t tag;
    std::optional<Slot> slot;  // none: its deadline has passed
  };
  // O(log of those who wait).
  std::optional<Ready> next_ready(TimePoint now, unsigned shard = 0);

  unsigned in_flight() const { return limit_.in_flight(); }
  unsigned waiting() const { return waiting_.load(std::memory_order_relaxed); }
  const BulkheadOptions& options() const { return options_; }

 private:
  const BulkheadOptions options_;
  ConcurrencyLimit limit_;
  std::atomic<unsigned> waiting_{0};
  Mutex mutex_;
  TicketList queue_ QUOLL_GUARDED_BY(mutex_);
  DeadlineHeap deadlines_ QUOLL_GUARDED_BY(mutex_);
};

}  // namespace quoll::core

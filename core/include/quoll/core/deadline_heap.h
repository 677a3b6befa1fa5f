// DeadlineHeap: which of those who wait runs out of time next.
//
// Why, beside a list in the order of arrival: deadlines do not come in that order, and a waiter whose time is over
// would keep its place in a bounded queue until all before it have gone.
//
// A binary heap over the nodes of a TicketList; any of them may leave, in O(log n). Waiters without a deadline need not
// be in it, and cost nothing.
//
// Thread-compatible. Allocates in the constructor only.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/core/ticket_list.h"

namespace quoll::core {

class DeadlineHeap {
 public:
  // For tickets of a list of that capacity.
  explicit DeadlineHeap(unsigned capacity) : place_(capacity, kNone) { heap_.reserve(capacity); }

  bool empty() const { return heap_.empty(); }
  // The earliest; not when empty.
  TimePoint deadline() const { return heap_.front().deadline; }
  Ticket ticket() const { return heap_.front().ticket; }

  // Must not be in it.
  void push(Ticket ticket, TimePoint deadline) {
    heap_.push_back({deadline, ticket});
    rise(static_cast<std::uint32_t>(heap_.size() - 1));
  }
  // Nothing happens when it is not in it.
  void erase(Ticket ticket) {
    const std::uint32_t at = place_[ticket.node];
    if (at == kNone || heap_[at].ticket != ticket) return;
    place_[ticket.node] = kNone;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    heap_[at] = last;
    rise(at);
    sink(place_[last.ticket.node]);
  }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  struct Entry {
    TimePoint deadline;
    Ticket ticket;
  };
  void put(std::uint32_t at, const Entry& entry) {
    heap_[at] = entry;
    place_[entry.ticket.node] = at;
  }
  void rise(std::uint32_t at) {
    const Entry entry = heap_[at];
    while (at != 0 && entry.deadline < heap_[(at - 1) / 2].deadline) {
      put(at, heap_[(at - 1) / 2]);
      at = (at - 1) / 2;
    }
    put(at, entry);
  }
  void sink(std::uint32_t at) {
    const Entry entry = heap_[at];
    const auto size = static_cast<std::uint32_t>(heap_.size());
    for (std::uint32_t child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && heap_[child + 1].deadline < heap_[child].deadline) ++child;
      if (heap_[child].deadline >= entry.deadline) break;
      put(at, heap_[child]);
      at = child;
    }
    put(at, entry);
  }

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> place_;  // in the heap, by node
};

}  // namespace quoll::core

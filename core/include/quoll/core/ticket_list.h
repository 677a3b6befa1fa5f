// TicketList: a bounded list of those who wait, from which anyone may leave, in constant time.
//
// A ticket names one stay in the list: once it has left, the ticket is dead, also after its node is used again.
//
// Thread-compatible. Allocates in the constructor only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::core {

struct Ticket {
  std::uint32_t node = 0;
  std::uint32_t stay = 0;
  friend bool operator==(const Ticket&, const Ticket&) = default;
};

class TicketList {
 public:
  struct Waiter {
    std::uint64_t tag = 0;
    TimePoint since{};
    TimePoint deadline{};
    std::uint64_t client = 0;
  };
  // lanes: separate lists over the same nodes, for priorities.
  explicit TicketList(unsigned capacity, unsigned lanes = 1);

  // Nothing when it is full.
  std::optional<Ticket> push_back(const Waiter& waiter, unsigned lane = 0);
  // The first and the last of a lane; null when empty. Until the next change.
  const Waiter* front(unsigned lane = 0) const;
  const Waiter* back(unsigned lane = 0) const;
  // That of the first of a lane; nothing when empty.
  std::optional<Ticket> front_ticket(unsigned lane = 0) const;
  std::optional<Waiter> pop_front(unsigned lane = 0);
  std::optional<Waiter> pop_back(unsigned lane = 0);
  // Nothing when the ticket has left already.
  std::optional<Waiter> erase(Ticket ticket);

  unsigned size() const { return size_; }
  unsigned size(unsigned lane) const { return lanes_[lane].size; }
  unsigned capacity() const { return static_cast<unsigned>(nodes_.size()); }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  struct Node {
    Waiter waiter;
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;  // also of the free list
    std::uint32_t stay = 0;      // odd while in use
    std::uint32_t lane = 0;
  };
  struct Lane {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    unsigned size = 0;
  };
  Waiter remove(std::uint32_t node);

  std::vector<Node> nodes_;
  std::vector<Lane> lanes_;
  std::uint32_t free_ = kNone;
  unsigned size_ = 0;
};

}  // namespace quoll::core

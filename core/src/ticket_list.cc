#include "quoll/core/ticket_list.h"

#include "quoll/base/assert.h"

namespace quoll::core {

TicketList::TicketList(unsigned capacity, unsigned lanes) : nodes_(capacity), lanes_(lanes) {
  QUOLL_ASSERT(lanes >= 1);
  for (std::uint32_t i = capacity; i-- > 0;) {
    nodes_[i].next = free_;
    free_ = i;
  }
}

std::optional<Ticket> TicketList::push_back(const Waiter& waiter, unsigned lane) {
  QUOLL_ASSERT(lane < lanes_.size());
  if (free_ == kNone) return std::nullopt;
  const std::uint32_t index = free_;
  Node& node = nodes_[index];
  Lane& list = lanes_[lane];
  free_ = node.next;
  node.waiter = waiter;
  node.lane = lane;
  node.next = kNone;
  node.previous = list.last;
  ++node.stay;
  (list.last == kNone ? list.first : nodes_[list.last].next) = index;
  list.last = index;
  ++list.size;
  ++size_;
  return Ticket{.node = index, .stay = node.stay};
}

const TicketList::Waiter* TicketList::front(unsigned lane) const {
  return lanes_[lane].first == kNone ? nullptr : &nodes_[lanes_[lane].first].waiter;
}

const TicketList::Waiter* TicketList::back(unsigned lane) const {
  return lanes_[lane].last == kNone ? nullptr : &nodes_[lanes_[lane].last].waiter;
}

std::optional<Ticket> TicketList::front_ticket(unsigned lane) const {
  const std::uint32_t first = lanes_[lane].first;
  if (first == kNone) return std::nullopt;
  return Ticket{.node = first, .stay = nodes_[first].stay};
}

std::optional<TicketList::Waiter> TicketList::pop_front(unsigned lane) {
  if (lanes_[lane].first == kNone) return std::nullopt;
  return remove(lanes_[lane].first);
}

std::optional<TicketList::Waiter> TicketList::pop_back(unsigned lane) {
  if (lanes_[lane].last == kNone) return std::nullopt;
  return remove(lanes_[lane].last);
}

std::optional<TicketList::Waiter> TicketList::erase(Ticket ticket) {
  if (ticket.node >= nodes_.size() || ticket.stay % 2 == 0 || nodes_[ticket.node].stay != ticket.stay) {
    return std::nullopt;
  }
  return remove(ticket.node);
}

TicketList::Waiter TicketList::remove(std::uint32_t index) {
  Node& node = nodes_[index];
  Lane& list = lanes_[node.lane];
  (node.previous == kNone ? list.first : nodes_[node.previous].next) = node.next;
  (node.next == kNone ? list.last : nodes_[node.next].previous) = node.previous;
  ++node.stay;
  node.next = free_;
  free_ = index;
  --list.size;
  --size_;
  return node.waiter;
}

}  // namespace quoll::core

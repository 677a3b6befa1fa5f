#include "quoll/core/bulkhead.h"

#include <utility>

#include "quoll/base/faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {
ConcurrencyLimitOptions fixed(unsigned limit) {
  return {.algorithm = LimitAlgorithm::fixed, .initial = limit, .minimum = limit, .maximum = limit};
}
}  // namespace

std::vector<std::string> BulkheadOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

Bulkhead::Bulkhead(const BulkheadOptions& options)
    : options_(internal::accepted("Bulkhead", options)),
      limit_(fixed(options.max_in_flight)),
      queue_(options.max_waiting),
      deadlines_(options.max_waiting) {}

std::optional<Ticket> Bulkhead::enqueue(std::uint64_t tag, TimePoint deadline) {
  const MutexLock lock(mutex_);
  const auto ticket = queue_.push_back({.tag = tag, .deadline = deadline});
  if (ticket && deadline != TimePoint::max()) deadlines_.push(*ticket, deadline);
  // Sequentially consistent, before next_ready looks for a place; a slot that ends is given back before its owner looks
  // for waiters. One of the two sees the other.
  waiting_.store(queue_.size());
  return ticket;
}

bool Bulkhead::cancel(Ticket ticket) {
  const MutexLock lock(mutex_);
  const bool was_waiting = queue_.erase(ticket).has_value();
  if (was_waiting) deadlines_.erase(ticket);
  waiting_.store(queue_.size());
  return was_waiting;
}

std::optional<Bulkhead::Ready> Bulkhead::next_ready(TimePoint now, unsigned shard) {
  if (waiting_.load() == 0) return std::nullopt;
  const MutexLock lock(mutex_);
  std::optional<Ticket> next;
  std::optional<Slot> slot;
  if (!deadlines_.empty() && deadlines_.deadline() < now) {
    next = deadlines_.ticket();
  } else {
    next = queue_.front_ticket();
    if (next) slot = limit_.try_acquire(shard);
    if (!slot) return std::nullopt;
  }
  deadlines_.erase(*next);
  const auto waiter = queue_.erase(*next);
  waiting_.store(queue_.size());
  return Ready{waiter->tag, std::move(slot)};
}

}  // namespace quoll::core

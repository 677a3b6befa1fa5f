#include "quoll/core/bulkhead.h"

#include <utility>

#include "faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {
ConcurrencyLimitOptions fixed(unsigned limit) {
  return {.algorithm = LimitAlgorithm::fixed, .initial = limit, .minimum = limit, .maximum = limit};
}
}  // namespace

std::vector<std::string> BulkheadOptions::validate() const {
  internal::Faults faults;
  faults.check("max_in_flight", max_in_flight, 1U, PermitPool::kMaxLimit);
  faults.check("max_waiting", max_waiting, 0U, 100'000U);
  return faults.take();
}

Bulkhead::Bulkhead(const BulkheadOptions& options)
    : options_(internal::accepted("Bulkhead", options)),
      limit_(fixed(options.max_in_flight)),
      queue_(options.max_waiting) {}

std::optional<Ticket> Bulkhead::enqueue(std::uint64_t tag, TimePoint deadline) {
  const MutexLock lock(mutex_);
  const auto ticket = queue_.push_back({.tag = tag, .deadline = deadline});
  // Sequentially consistent, before next_ready looks for a place; a slot that ends is given back before its owner looks
  // for waiters. One of the two sees the other.
  waiting_.store(queue_.size());
  return ticket;
}

bool Bulkhead::cancel(Ticket ticket) {
  const MutexLock lock(mutex_);
  const bool was_waiting = queue_.erase(ticket).has_value();
  waiting_.store(queue_.size());
  return was_waiting;
}

std::optional<Bulkhead::Ready> Bulkhead::next_ready(TimePoint now, unsigned shard) {
  if (waiting_.load() == 0) return std::nullopt;
  const MutexLock lock(mutex_);
  const TicketList::Waiter* first = queue_.front();
  if (first == nullptr) return std::nullopt;
  std::optional<Ready> ready;
  if (first->deadline < now) {
    ready.emplace(Ready{first->tag, std::nullopt});
  } else if (auto slot = limit_.try_acquire(shard)) {
    ready.emplace(Ready{first->tag, std::move(slot)});
  } else {
    return std::nullopt;
  }
  (void)queue_.pop_front();
  waiting_.store(queue_.size());
  return ready;
}

}  // namespace quoll::core

#include "quoll/core/admission_queue.h"

#include <algorithm>

#include "faults.h"
#include "quoll/base/rng.h"
#include "quoll/core/options.h"

namespace quoll::core {

std::vector<std::string> AdmissionQueueOptions::validate() const {
  internal::Faults faults;
  faults.check("capacity", capacity, 1U, 1'000'000U);
  faults.check("target", target, std::chrono::microseconds(100), std::chrono::seconds(10));
  faults.check("interval", interval, std::chrono::microseconds(100), std::chrono::minutes(1));
  faults.check("priorities", priorities, 1U, 8U);
  faults.check_share("client_share", client_share);
  const AdmissionQueueOptions whole = resolved();
  faults.check_order("interval", whole.interval, "target", whole.target);
  return faults.take();
}

AdmissionQueueOptions AdmissionQueueOptions::resolved() const {
  AdmissionQueueOptions moved = *this;
  internal::let_follow({&moved.target, &moved.interval});
  return moved;
}

AdmissionQueue::AdmissionQueue(const AdmissionQueueOptions& options)
    : options_(internal::accepted("AdmissionQueue", options)), waiters_(options.capacity, options.priorities) {}

AdmissionQueue::Offer AdmissionQueue::offer(std::uint64_t tag, const AdmissionRequest& request, TimePoint now) {
  if (waiters_.size() == 0) last_empty_ = now;
  const unsigned lane = std::min(request.priority, options_.priorities - 1);
  // 1 and up, so that unknown clients share a counter with nobody.
  const std::uint64_t client = request.client == 0 ? 0 : 1 + splitmix64(request.client) % (kClients - 1);
  const auto share = static_cast<unsigned>(options_.client_share * options_.capacity);
  if (client != 0 && 2 * waiters_.size() > options_.capacity && held_by(client) >= std::max(1U, share)) return {};

  Offer offer;
  if (waiters_.size() == options_.capacity) {
    for (unsigned lower = options_.priorities - 1; lower > lane && !offer.evicted; --lower) {
      if (const auto oldest = waiters_.pop_front(lower)) offer.evicted = leave(*oldest);
    }
    if (!offer.evicted) return {};
  }
  offer.ticket = waiters_.push_back({.tag = tag, .since = request.arrived_at, .client = client}, lane);
  ++held_by(client);
  return offer;
}

std::uint64_t AdmissionQueue::leave(const TicketList::Waiter& waiter) {
  --held_by(waiter.client);
  return waiter.tag;
}

std::optional<AdmissionQueue::Taken> AdmissionQueue::take(TimePoint now) {
  if (waiters_.size() == 0) return std::nullopt;
  const bool pressed = overloaded(now);
  const auto waited = [now](const TicketList::Waiter& waiter) {
    return std::max(now - waiter.since, Duration::zero());
  };
  // The least important first; the front of a lane is its oldest.
  for (unsigned lane = options_.priorities; lane-- > 0;) {
    const TicketList::Waiter* oldest = waiters_.front(lane);
    if (oldest == nullptr) continue;
    const Duration limit = pressed && lane != 0 ? options_.target : options_.interval;
    const Duration delay = waited(*oldest);
    if (delay <= limit) continue;
    const auto gone = waiters_.pop_front(lane);
    return Taken{leave(*gone), delay > options_.interval ? ShedReason::too_old : ShedReason::overload, delay};
  }
  for (unsigned lane = 0; lane < options_.priorities; ++lane) {
    const auto next = pressed ? waiters_.pop_back(lane) : waiters_.pop_front(lane);
    if (next) return Taken{leave(*next), ShedReason::none, waited(*next)};
  }
  return std::nullopt;
}

bool AdmissionQueue::cancel(Ticket ticket) {
  const auto waiter = waiters_.erase(ticket);
  if (waiter) leave(*waiter);
  return waiter.has_value();
}

}  // namespace quoll::core

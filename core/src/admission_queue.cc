#include "quoll/core/admission_queue.h"

#include <algorithm>

#include "quoll/base/faults.h"
#include "quoll/base/rng.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"
#include "share.h"

namespace quoll::core {

std::vector<std::string> AdmissionQueueOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
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
  const auto share = static_cast<unsigned>(internal::whole_share(options_.client_share, options_.capacity));
  if (client != 0 && 2 * waiters_.size() > options_.capacity && held_by(client) >= std::max(1U, share)) return {};

  Offer offer;
  if (waiters_.size() == options_.capacity) {
    offer.evicted = make_room(lane, now);
    if (!offer.evicted) return {};
  }
  offer.ticket = waiters_.push_back({.tag = tag, .since = request.arrived_at, .client = client}, lane);
  ++held_by(client);
  return offer;
}

// In a full queue: the place of one that would be shed in any case, else of the oldest of a less important class.
std::optional<std::uint64_t> AdmissionQueue::make_room(unsigned lane, TimePoint now) {
  for (unsigned each = options_.priorities; each-- > 0;) {
    const TicketList::Waiter* oldest = waiters_.front(each);
    if (oldest == nullptr || (each <= lane && between(oldest->since, now) <= options_.interval)) continue;
    return leave(*waiters_.pop_front(each));
  }
  return std::nullopt;
}

std::uint64_t AdmissionQueue::leave(const TicketList::Waiter& waiter) {
  --held_by(waiter.client);
  return waiter.tag;
}

std::optional<AdmissionQueue::Taken> AdmissionQueue::take(TimePoint now) {
  if (waiters_.size() == 0) return std::nullopt;
  const bool pressed = overloaded(now);
  const auto waited = [now](const TicketList::Waiter& waiter) {
    return std::max(between(waiter.since, now), Duration::zero());
  };
  const auto limit_of = [&](unsigned lane) { return pressed && lane != 0 ? options_.target : options_.interval; };
  const auto verdict = [&](unsigned lane, Duration delay) {
    if (delay <= limit_of(lane)) return ShedReason::none;
    return delay > options_.interval ? ShedReason::too_old : ShedReason::overload;
  };
  // The least important first; the front of a lane is its oldest.
  for (unsigned lane = options_.priorities; lane-- > 0;) {
    const TicketList::Waiter* oldest = waiters_.front(lane);
    if (oldest == nullptr) continue;
    const Duration delay = waited(*oldest);
    const ShedReason reason = verdict(lane, delay);
    if (reason == ShedReason::none) continue;
    return Taken{leave(*waiters_.pop_front(lane)), reason, delay};
  }
  for (unsigned lane = 0; lane < options_.priorities; ++lane) {
    const auto next = pressed ? waiters_.pop_back(lane) : waiters_.pop_front(lane);
    if (!next) continue;
    // Requests may be offered in another order than they arrived in, so it may be older than the front.
    const Duration delay = waited(*next);
    return Taken{leave(*next), verdict(lane, delay), delay};
  }
  return std::nullopt;
}

bool AdmissionQueue::cancel(Ticket ticket) {
  const auto waiter = waiters_.erase(ticket);
  if (waiter) leave(*waiter);
  return waiter.has_value();
}

}  // namespace quoll::core

// AdmissionQueue: those who wait for us, in the order in which it is worth serving them.
//
// For servers that keep requests until a worker is free. (A loop that begins each request as it reads it keeps its
// queue in the kernel; there AdmissionControl is enough.) The rules are those of "Fail at Scale" (Maurer, ACM Queue
// 2015):
//
//   overloaded     the queue has not been empty for `interval` (100 ms)
//   adaptive LIFO  first come first served while all is well; overloaded, the last first: an old request's client has
//                  probably given up, and serving the queue in order would serve everybody too late
//   controlled     overloaded, a request that has waited for over `target` (5 ms) is shed, else one that has waited for
//   delay          over `interval`. The most important class always has `interval`
//
// Classes are served strictly in order. When the queue is full, a request takes the place of one that has waited for
// over `interval`, or of the oldest one of a less important class; otherwise it is refused. While it is over half full,
// one client may hold `client_share` of it.
//
// Thread-compatible: one per worker, or under the owner's lock. Nothing is allocated after construction.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/base/time_math.h"
#include "quoll/core/admission.h"
#include "quoll/core/defaulted.h"
#include "quoll/core/ticket_list.h"

namespace quoll::core {

struct AdmissionQueueOptions {
  unsigned capacity = 1024;
  Defaulted<Duration> target = usual(std::chrono::milliseconds(5));
  Defaulted<Duration> interval = usual(std::chrono::milliseconds(100));
  unsigned priorities = 4;
  double client_share = 0.25;

  static void describe(auto&& field) {
    using O = AdmissionQueueOptions;
    using std::chrono::microseconds;
    field("capacity", &O::capacity, schema::within(1, 1'000'000), "Requests that may wait, 56 bytes each.");
    field("target", &O::target, schema::within(microseconds(100), std::chrono::seconds(10)),
          "Overloaded, a request that has waited longer is shed. Follows interval if that is less.");
    field(
        "interval", &O::interval, schema::within(microseconds(100), std::chrono::minutes(1)),
        "Overloaded is a queue that has not been empty for so long; the wait that the most important class always has. "
        "Follows target if that is more.");
    field("priorities", &O::priorities, schema::within(1, 8), "Classes, 0 the most important.");
    field("client_share", &O::client_share, schema::share(),
          "Share of the queue that one client may hold while it is over half full; 1 turns fairness off.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  AdmissionQueueOptions resolved() const;
};

class AdmissionQueue {
 public:
  // `options` must be valid.
  explicit AdmissionQueue(const AdmissionQueueOptions& options);

  struct Offer {
    // None: refused, because the queue is full or the client has too much of it.
    std::optional<Ticket> ticket;
    // Who had to leave instead; answer them.
    std::optional<std::uint64_t> evicted = {};
  };
  // tag: whatever finds the request again.
  Offer offer(std::uint64_t tag, const AdmissionRequest& request, TimePoint now);

  struct Taken {
    std::uint64_t tag;
    ShedReason reason;  // none: serve it; else answer that it was shed, and take again
    Duration delay;     // true queueing delay
  };
  // The next to deal with; nothing when nobody waits.
  std::optional<Taken> take(TimePoint now);
  // The client left. False when it has been taken or evicted already.
  bool cancel(Ticket ticket);

  bool overloaded(TimePoint now) const { return waiters_.size() != 0 && between(last_empty_, now) > options_.interval; }
  unsigned size() const { return waiters_.size(); }
  const AdmissionQueueOptions& options() const { return options_; }

 private:
  static constexpr unsigned kClients = 256;
  std::optional<std::uint64_t> make_room(unsigned lane, TimePoint now);
  std::uint64_t leave(const TicketList::Waiter& waiter);
  unsigned& held_by(std::uint64_t client) { return held_[client % kClients]; }

  const AdmissionQueueOptions options_;
  TicketList waiters_;
  std::array<unsigned, kClients> held_{};  // by hash of the client; [0] is unknown ones
  TimePoint last_empty_{};
};

}  // namespace quoll::core

// Coalescer: identical calls under way at the same time become one.
//
// Why: when a popular answer expires, everybody asks for it at once (a "stampede"). Only the first to ask makes the
// call; those who come while it is under way wait for it.
//
// As in bulkhead.h, the waiting is the caller's: join() says whether to lead or to follow; a leader calls finish() when
// it has an answer *or none*, and is given the tags of its followers. With an answer it wakes them with it. Without one
// it may hand on the failure, or wake one of them to join again. A leader must always finish: tie it to a scope.
// A follower that goes away says leave(ticket).
//
// Both bounds refuse by making the caller a `loner`, who makes the call and tells nobody: coalescing is a saving, never
// a reason to fail.
//
// Thread-safe, one lock. Nothing is allocated after construction but what a copy of the key needs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/assert.h"
#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/core/bounded_map.h"
#include "quoll/core/options.h"
#include "quoll/core/ticket_list.h"

namespace quoll::core {

struct CoalescerOptions {
  unsigned max_flights = 1024;
  unsigned max_followers = 4096;

  static void describe(auto&& field) {
    using O = CoalescerOptions;
    field("max_flights", &O::max_flights, schema::within(1, 1'000'000), "Different calls under way.");
    field("max_followers", &O::max_followers, schema::within(1, 1'000'000), "Followers in all, 56 bytes each.");
  }

  std::vector<std::string> validate() const;
};

enum class Role : std::uint8_t { leader, follower, loner };

template <typename Key, typename Hash = KeyHash<Key>>
class Coalescer {
 public:
  // `options` must be valid.
  explicit Coalescer(const CoalescerOptions& options)
      : options_(internal::accepted("Coalescer", options)),
        flights_(options.max_flights),
        followers_(options.max_followers, options.max_flights) {
    for (std::uint32_t i = options.max_flights; i-- > 0;) free_.push_back(i);
  }

  struct Join {
    Role role;
    Ticket ticket;  // of a follower
  };
  // tag: whatever finds the caller again, if it is to follow.
  Join join(const Key& key, std::uint64_t tag) {
    const MutexLock lock(mutex_);
    if (const std::uint32_t* flight = flights_.find(key)) {
      const auto ticket = followers_.push_back({.tag = tag}, *flight);
      return ticket ? Join{Role::follower, *ticket} : Join{Role::loner, {}};
    }
    if (flights_.full()) return {Role::loner, {}};
    flights_.insert(key, free_.back());
    free_.pop_back();
    return {Role::leader, {}};
  }
  // By the leader. The followers' tags are appended in the order in which they came.
  template <typename Query>
  void finish(const Query& key, std::vector<std::uint64_t>& followers) {
    const MutexLock lock(mutex_);
    const auto flight = flights_.erase(key);
    QUOLL_ASSERT(flight.has_value());
    while (const auto follower = followers_.pop_front(*flight)) followers.push_back(follower->tag);
    free_.push_back(*flight);
  }
  // False when the leader has finished already, and the tag been handed out.
  bool leave(Ticket ticket) {
    const MutexLock lock(mutex_);
    return followers_.erase(ticket).has_value();
  }

  unsigned flights() const {
    const MutexLock lock(mutex_);
    return flights_.size();
  }
  const CoalescerOptions& options() const { return options_; }

 private:
  const CoalescerOptions options_;
  mutable Mutex mutex_;
  BoundedMap<Key, std::uint32_t, Hash> flights_ QUOLL_GUARDED_BY(mutex_);
  TicketList followers_ QUOLL_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> free_ QUOLL_GUARDED_BY(mutex_);
};

}  // namespace quoll::core

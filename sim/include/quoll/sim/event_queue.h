// EventQueue: what happens next in virtual time. Events of the same instant come out in the order in which they went
// in, so a run depends on its seed alone.
//
// An event is a plain value that names its subject by number; the code that pops it knows what the number means. Events
// are never taken back: a subject that has moved on is told by `tag`, and its old events are ignored when they come.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "quoll/base/assert.h"
#include "quoll/base/time.h"

namespace quoll::sim {

enum class EventKind : std::uint8_t {
  arrival,   // a client's request reaches this machine
  give_up,   // a client has waited long enough
  cpu_done,  // this process has finished a piece of work
  stall,     // something is about to hold this process up
  sent,      // an attempt reaches the backend
  served,    // the backend has finished a job
  answered,  // an answer reaches this machine
  deadline,  // an attempt's time is over
  retry,     // a back-off is over
  hedge,     // an attempt takes unusually long
  change,    // the scenario changes the world
  tick,      // polls and samples
};
inline constexpr std::size_t kEventKinds = 12;

// "arrival".
const char* to_string(EventKind kind);

struct Event {
  TimePoint at{};
  std::uint64_t order = 0;
  EventKind kind = EventKind::tick;
  std::uint32_t subject = 0;
  std::uint32_t tag = 0;
};

class EventQueue {
 public:
  void push(TimePoint at, EventKind kind, std::uint32_t subject = 0, std::uint32_t tag = 0) {
    events_.push({.at = at, .order = next_++, .kind = kind, .subject = subject, .tag = tag});
  }
  bool empty() const { return events_.empty(); }
  std::size_t size() const { return events_.size(); }
  // The earliest. Not when empty.
  Event pop() {
    QUOLL_ASSERT(!events_.empty());
    const Event event = events_.top();
    events_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t next_ = 0;
};

}  // namespace quoll::sim

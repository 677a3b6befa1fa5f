// CircuitFeed: what the live page is told of the circuits: changes of state as they happen, and once a second how each
// is doing, within a bound however many there are.
//
// A few circuits are told whole. Of many, a second's message has a line for each that changed or had calls since its
// last line, those in trouble first, at most kMostLines; what did not fit comes in the seconds after. The changes of
// one look are one message for the hub, of at most kMostChanges; the rest comes with the next look.
//
// Loop-confined to the admin worker.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <string>
#include <vector>

#include "quoll/proxy/data/route.h"

namespace quoll::proxy {

class CircuitFeed {
 public:
  static constexpr std::size_t kMaxTransitions = 512;  // kept for who comes later
  static constexpr std::size_t kWhole = 16;            // so many circuits are told whole, and have columns of their own
  static constexpr std::size_t kMostLines = 256;
  static constexpr std::size_t kMostChanges = 64;

  explicit CircuitFeed(const Routes& routes);

  // The changes of state since the last look, as events for the hub; empty when there are none. Costs one atomic load
  // for each circuit that has not changed.
  std::string changes(TimePoint now, WallTime wall);
  // Those kept after `since`, as a JSON array.
  std::string journal(WallTime since) const;

  // Names, and which requests are whose, by index.
  boost::json::object hello() const;
  // A second's message; `everything`: a line for every circuit, for a reader that is new.
  boost::json::object status(TimePoint now, bool everything);

 private:
  struct Changed {
    WallTime at;
    std::string json;
  };
  struct Seen {
    std::uint32_t generation = 0;       // by changes()
    std::uint64_t sequence = 0;         // of the last transition told
    std::uint32_t line_generation = 0;  // when its last line was made
    std::uint64_t calls = 0;
    bool busy = false;  // its last line had calls in the window, which will pass out of it
  };

  static std::uint64_t calls_of(const Circuit& circuit);
  boost::json::array lines(TimePoint now, bool everything);

  const Routes& routes_;
  std::vector<Seen> seen_;
  std::deque<Changed> transitions_;
  std::size_t next_change_ = 0;  // where the next look starts
  std::size_t next_line_ = 0;
};

}  // namespace quoll::proxy

#include "invariants.h"

#include <fmt/format.h>

namespace quoll::sim {

std::optional<std::string> broken(const Facts& f) {
  if (f.ended_twice != 0) return fmt::format("accounting: a request ended {} times", 1 + f.ended_twice);
  if (f.arrived != f.ended + f.waiting) {
    return fmt::format("accounting: {} requests arrived, {} ended and {} wait", f.arrived, f.ended, f.waiting);
  }
  if (f.slots_in_use != f.slots_held) {
    return fmt::format("permits: {} slots are out, {} attempts hold one", f.slots_in_use, f.slots_held);
  }
  if (f.half_open && f.trials > f.trials_allowed) {
    return fmt::format("trials: {} are under way, {} allowed", f.trials, f.trials_allowed);
  }
  if (f.half_open && f.trials != f.trials_by_breaker) {
    return fmt::format("trials: {} are under way, the breaker counts {}", f.trials, f.trials_by_breaker);
  }
  if (f.overspent > 0) return fmt::format("budget: {:.1f} retries more than it can pay", f.overspent);
  return std::nullopt;
}

}  // namespace quoll::sim

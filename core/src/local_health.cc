#include "quoll/core/local_health.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/assert.h"
#include "quoll/base/faults.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {
constexpr double kTolerated = 0.1;  // of the full shortage: every busy process has a little of each
}  // namespace

std::vector<std::string> LocalHealthOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

const char* to_string(LocalCause cause) {
  switch (cause) {
    case LocalCause::none:
      return "none";
    case LocalCause::loop_delay:
      return "loop_delay";
    case LocalCause::run_queue_delay:
      return "run_queue_delay";
    case LocalCause::throttled:
      return "throttled";
    case LocalCause::steal:
      return "steal";
  }
  return "unknown";
}

LocalHealth::LocalHealth(const LocalHealthOptions& options) : options_(internal::accepted("LocalHealth", options)) {}

double LocalHealth::observe(const LocalSigns& signs, TimePoint now) {
  QUOLL_ASSERT(signs.interval > Duration::zero());
  const auto share = [&](Duration part) { return std::max(0.0, to_seconds(part)) / to_seconds(signs.interval); };
  const double run_queue = share(signs.run_queue_delay);
  const double throttled = share(signs.throttled);
  const double steal = share(signs.steal);
  const double missed = (run_queue + throttled + steal) / options_.missed_full;
  const double late = std::max(0.0, to_seconds(signs.loop_delay)) / to_seconds(options_.loop_delay_full);
  double shortage = std::min(1.0, std::max(missed, late));
  if (shortage < kTolerated) shortage = 0;
  const double target = 1 + (options_.max - 1) * shortage;

  const double before = multiplier();
  double next = target;
  if (target > before) {
    // A cause without CPU explains a late loop, and not the other way round.
    LocalCause cause = LocalCause::loop_delay;
    if (missed >= kTolerated) {
      const double most = std::max({run_queue, throttled, steal});
      cause = most == throttled ? LocalCause::throttled
              : most == steal   ? LocalCause::steal
                                : LocalCause::run_queue_delay;
    }
    cause_.store(cause, std::memory_order_relaxed);
  } else {
    const double half_lives = std::max(0.0, to_seconds(between(observed_, now))) / to_seconds(options_.half_life);
    next = target + (before - target) * std::exp2(-half_lives);
    if (next < 1.01 && target == 1) {  // well again, and not only nearly for ever
      next = 1;
      cause_.store(LocalCause::none, std::memory_order_relaxed);
    }
  }
  observed_ = now;
  multiplier_.store(next, std::memory_order_relaxed);
  return next;
}

}  // namespace quoll::core

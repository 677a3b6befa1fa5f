// Random breaker options, all valid, for properties; and counts as a text, so that a falsified one shows what differs.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <utility>

#include "quoll/core/breaker_types.h"

namespace quoll::core {

inline BreakerOptions arbitrary_options() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  BreakerOptions options;
  options.window_kind =
      *rc::gen::element(WindowKind::time, WindowKind::time, WindowKind::count, WindowKind::consecutive);
  options.window = *rc::gen::element<Duration>(milliseconds(100), seconds(1), seconds(10));
  options.buckets = *rc::gen::element(1U, 3U, 10U, 20U);
  options.window_calls = *rc::gen::element(5U, 8U, 20U);
  options.failure_rate_threshold = *rc::gen::element(0.1, 0.5, 0.75, 1.0);
  options.minimum_volume = *rc::gen::inRange(1U, 6U);
  options.slow_call_threshold = *rc::gen::element<Duration>(Duration::zero(), milliseconds(50));
  options.slow_call_rate_threshold = *rc::gen::element(0.3, 1.0);
  options.consecutive_failures = *rc::gen::element(0U, 2U, 5U);
  if (options.window_kind == WindowKind::consecutive) options.consecutive_failures = 3;
  options.reset_timeout = *rc::gen::element<Duration>(milliseconds(50), seconds(5));
  options.reset_multiplier = *rc::gen::element(1, 2, 3);
  options.reset_timeout_max = *rc::gen::element<Duration>(seconds(5), seconds(17));
  options.half_open_permits = *rc::gen::inRange(1U, 4U);
  options.half_open_successes = *rc::gen::inRange(1U, 4U);
  options.half_open_max = *rc::gen::element<Duration>(Duration::zero(), seconds(3));
  options.warm_up = *rc::gen::element<Duration>(Duration::zero(), Duration::zero(), seconds(2));
  options.mode =
      *rc::gen::element(Mode::automatic, Mode::automatic, Mode::automatic, Mode::metrics_only, Mode::disabled);
  options.timeouts = *rc::gen::element(CountAs::failure, CountAs::nothing, CountAs::success);
  options.cancellations = *rc::gen::element(CountAs::nothing, CountAs::failure);
  options.shards = *rc::gen::element(1U, 2U, 3U);
  return options;
}

inline std::string text(const WindowCounts& counts) {
  std::string all;
  for (const auto& [name, value] : {std::pair{"calls", counts.calls},
                                    {"failed", counts.failed_calls},
                                    {"success", counts.success},
                                    {"failure", counts.failure},
                                    {"timeout", counts.timeout},
                                    {"cancelled", counts.cancelled},
                                    {"ignored", counts.ignored},
                                    {"slow", counts.slow},
                                    {"rescued", counts.rescued},
                                    {"rejected", counts.rejected}}) {
    all += std::string(name) + " " + std::to_string(value) + " ";
  }
  return all;
}

}  // namespace quoll::core

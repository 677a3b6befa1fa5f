#include "quoll/core/breaker_options.h"

#include "faults.h"

namespace quoll::core {

namespace {

constexpr Duration kMillisecond = std::chrono::milliseconds(1);
constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kDay = std::chrono::hours(24);

using internal::Faults;

void check_words(Faults& faults, const BreakerOptions& options) {
  faults.check_enum("window_kind", options.window_kind, WindowKind::consecutive);
  faults.check_enum("mode", options.mode, Mode::metrics_only);
  faults.check_enum("failures", options.failures, CountAs::nothing);
  faults.check_enum("timeouts", options.timeouts, CountAs::nothing);
  faults.check_enum("cancellations", options.cancellations, CountAs::nothing);
}

void check_window(Faults& faults, const BreakerOptions& options) {
  faults.check("window", options.window, 10 * kMillisecond, kHour);
  faults.check("buckets", options.buckets, 1U, 60U);
  if (options.buckets > 0 && options.window >= 10 * kMillisecond && options.window / options.buckets < kMillisecond) {
    faults.add("buckets is " + std::to_string(options.buckets) + "; a window of " + format_duration(options.window) +
               " can't be cut finer than 1ms each");
  }
  faults.check("window_calls", options.window_calls, 1U, 10'000U);
  faults.check("minimum_volume", options.minimum_volume, 1U, 1'000'000U);
  faults.check("shards", options.shards, 1U, 16U);
}

void check_trips(Faults& faults, const BreakerOptions& options) {
  faults.check_share("failure_rate_threshold", options.failure_rate_threshold);
  faults.check("slow_call_threshold", options.slow_call_threshold, Duration::zero(), kHour);
  faults.check_share("slow_call_rate_threshold", options.slow_call_rate_threshold);
  faults.check("consecutive_failures", options.consecutive_failures, 0U, 1'000'000U);
  if (options.window_kind == WindowKind::consecutive && options.consecutive_failures == 0) {
    faults.add("consecutive_failures is 0; a consecutive window never opens without it: set at least 1");
  }
}

void check_recovery(Faults& faults, const BreakerOptions& options) {
  faults.check("reset_timeout", options.reset_timeout, kMillisecond, kDay);
  faults.check("reset_multiplier", options.reset_multiplier, 1.0, 100.0);
  faults.check("reset_timeout_max", options.reset_timeout_max, kMillisecond, kDay);
  faults.check("reset_jitter", options.reset_jitter, 0.0, 1.0);
  faults.check("half_open_permits", options.half_open_permits, 1U, 10'000U);
  faults.check("half_open_successes", options.half_open_successes, 1U, 10'000U);
  faults.check("half_open_max", options.half_open_max, Duration::zero(), kDay);
  faults.check("ramp", options.ramp, Duration::zero(), kHour);
  faults.check("ramp_start", options.ramp_start, 0.01, 1.0);
  faults.check("warm_up", options.warm_up, Duration::zero(), kHour);
}

void check_order(Faults& faults, const BreakerOptions& options) {
  if (options.window_kind == WindowKind::count) {
    faults.check_order("window_calls", options.window_calls, "minimum_volume", options.minimum_volume);
  }
  faults.check_order("reset_timeout_max", options.reset_timeout_max, "reset_timeout", options.reset_timeout);
}

}  // namespace

BreakerOptions BreakerOptions::resolved() const {
  BreakerOptions moved = *this;
  if (window_kind == WindowKind::count) internal::let_follow({&moved.minimum_volume, &moved.window_calls});
  internal::let_follow({&moved.reset_timeout, &moved.reset_timeout_max});
  return moved;
}

std::vector<std::string> BreakerOptions::validate() const {
  Faults faults;
  check_words(faults, *this);
  check_window(faults, *this);
  check_trips(faults, *this);
  check_recovery(faults, *this);
  check_order(faults, resolved());
  return faults.take();
}

const char* to_string(WindowKind kind) {
  switch (kind) {
    case WindowKind::time:
      return "time";
    case WindowKind::count:
      return "count";
    case WindowKind::consecutive:
      return "consecutive";
  }
  return "unknown";
}

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::automatic:
      return "automatic";
    case Mode::forced_open:
      return "forced_open";
    case Mode::disabled:
      return "disabled";
    case Mode::metrics_only:
      return "metrics_only";
  }
  return "unknown";
}

const char* to_string(CountAs meaning) {
  switch (meaning) {
    case CountAs::failure:
      return "failure";
    case CountAs::success:
      return "success";
    case CountAs::nothing:
      return "nothing";
  }
  return "unknown";
}

}  // namespace quoll::core

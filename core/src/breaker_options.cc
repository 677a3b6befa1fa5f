#include "quoll/core/breaker_options.h"

#include "quoll/base/faults.h"

namespace quoll::core {

BreakerOptions BreakerOptions::resolved() const {
  BreakerOptions moved = *this;
  if (window_kind == WindowKind::count) internal::let_follow({&moved.minimum_volume, &moved.window_calls});
  internal::let_follow({&moved.reset_timeout, &moved.reset_timeout_max});
  return moved;
}

std::vector<std::string> BreakerOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  if (buckets > 0 && window >= std::chrono::milliseconds(10) && window / buckets < std::chrono::milliseconds(1)) {
    faults.add("buckets is " + std::to_string(buckets) + "; a window of " + format_duration(window) +
               " can't be cut finer than 1ms each");
  }
  if (window_kind == WindowKind::consecutive && consecutive_failures == 0) {
    faults.add("consecutive_failures is 0; a consecutive window never opens without it: set at least 1");
  }
  const BreakerOptions whole = resolved();
  if (window_kind == WindowKind::count) {
    faults.check_order("window_calls", whole.window_calls, "minimum_volume", whole.minimum_volume);
  }
  faults.check_order("reset_timeout_max", whole.reset_timeout_max, "reset_timeout", whole.reset_timeout);
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

#include <ctime>
#include <random>

#include "quoll/base/rng.h"
#include "quoll/base/time.h"

namespace quoll {

namespace {
Duration read_clock(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec);
}
}  // namespace

TimePoint steady_now() {
  return TimePoint(read_clock(CLOCK_MONOTONIC));
}

WallTime wall_now() {
  return WallTime(read_clock(CLOCK_REALTIME));
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

}  // namespace quoll

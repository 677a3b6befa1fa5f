// Spread: how durations are spread, by nearest rank.
//
// Thread-safe: a plain value and a free function.
#pragma once

#include <cstdint>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::lab::harness {

struct Spread {
  std::uint64_t count = 0;
  Duration p50{};
  Duration p99{};
  Duration max{};
};
Spread spread_of(std::vector<Duration> values);

}  // namespace quoll::lab::harness

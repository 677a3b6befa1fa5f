#include "quoll/lab/harness/spread.h"

#include <algorithm>
#include <cmath>

namespace quoll::lab::harness {

Spread spread_of(std::vector<Duration> values) {
  Spread out;
  out.count = values.size();
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  const auto rank = [&](double share) {
    const auto n = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::clamp<std::size_t>(n, 1, values.size()) - 1];
  };
  out.p50 = rank(0.5);
  out.p99 = rank(0.99);
  out.max = values.back();
  return out;
}

}  // namespace quoll::lab::harness

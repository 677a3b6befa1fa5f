#include "quoll/core/deadline.h"

#include <array>
#include <cstdint>

namespace quoll::core {

namespace {
struct Unit {
  char name;
  std::int64_t ns;
};
// The finest first.
constexpr std::array<Unit, 6> kUnits = {
    {{'n', 1}, {'u', 1'000}, {'m', 1'000'000}, {'S', 1'000'000'000}, {'M', 60'000'000'000}, {'H', 3'600'000'000'000}}};
constexpr std::int64_t kMost = 99'999'999;  // eight digits
}  // namespace

std::string format_grpc_timeout(Duration left) {
  const std::int64_t ns = std::max<std::int64_t>(0, left.count());
  if (ns == 0) return "0m";
  // The coarsest unit that is exact, or else the finest that fits.
  for (std::size_t i = kUnits.size(); i-- > 0;) {
    if (ns % kUnits[i].ns == 0 && ns / kUnits[i].ns <= kMost) return std::to_string(ns / kUnits[i].ns) + kUnits[i].name;
  }
  for (const Unit& unit : kUnits) {
    if (ns / unit.ns <= kMost) return std::to_string(ns / unit.ns) + unit.name;
  }
  return std::to_string(kMost) + "H";
}

Result<Duration> parse_grpc_timeout(std::string_view text) {
  const auto fault = [&] {
    return Error{"timeout is \"" + std::string(text.substr(0, 32)) +
                 "\"; expected one to eight digits and one of H, M, S, m, u, n, as in \"250m\""};
  };
  if (text.size() < 2 || text.size() > 9) return fault();
  std::int64_t value = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (digit < '0' || digit > '9') return fault();
    value = value * 10 + (digit - '0');
  }
  for (const Unit& unit : kUnits) {
    if (unit.name != text.back()) continue;
    // 99,999,999 hours do not fit into 64 bits of nanoseconds; a century is as good.
    constexpr Duration kCentury = std::chrono::hours(24 * 365 * 100);
    return value > kCentury.count() / unit.ns ? kCentury : Duration(value * unit.ns);
  }
  return fault();
}

}  // namespace quoll::core

#include "quoll/base/time.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace quoll {

namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t nanos;
};
// Longest suffix first where one ends with another.
constexpr std::array<Unit, 6> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};
constexpr double kMaxNanos = 10.0 * 365 * 24 * 3600 * 1e9;

Error bad_duration(std::string_view text) {
  return Error{"'" + std::string(text) +
                   "' is not a duration; write a number and a unit, like 500ms, 5s or 1m (units: ns us ms s m h)",
               "bad_duration"};
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.suffix.size());
    if (digits.empty() || digits.front() < '0' || digits.front() > '9') continue;
    double value = 0;
    const auto [end, ec] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
    if (ec != std::errc() || end != digits.data() + digits.size()) continue;
    const double nanos = value * static_cast<double>(unit.nanos);
    if (!(nanos >= 0) || nanos > kMaxNanos) {
      return Error{"'" + std::string(text) + "' is out of range; a duration is between 0 and 10 years", "bad_duration"};
    }
    return Duration(static_cast<std::int64_t>(std::llround(nanos)));
  }
  return bad_duration(text);
}

std::string format_duration(Duration d) {
  const std::int64_t nanos = d.count();
  if (nanos == 0) return "0";
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (nanos % unit->nanos == 0) return std::to_string(nanos / unit->nanos) + std::string(unit->suffix);
  }
  return std::to_string(nanos) + "ns";
}

std::string humanize(Duration d) {
  double value = static_cast<double>(d.count());
  const bool negative = value < 0;
  if (negative) value = -value;
  const char* suffix = "ns";
  if (value >= 60e9) {
    value /= 60e9;
    suffix = "m";
  } else if (value >= 1e9) {
    value /= 1e9;
    suffix = "s";
  } else if (value >= 1e6) {
    value /= 1e6;
    suffix = "ms";
  } else if (value >= 1e3) {
    value /= 1e3;
    suffix = "us";
  }
  std::array<char, 32> out{};
  const int decimals = value >= 99.95 || value == std::floor(value) ? 0 : value >= 9.995 ? 1 : 2;
  std::snprintf(out.data(), out.size(), "%s%.*f%s", negative ? "-" : "", decimals, value, suffix);
  return out.data();
}

std::string format_rfc3339(WallTime t) {
  const std::int64_t millis = std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count();
  std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::int64_t rest = millis % 1000;
  if (rest < 0) {
    rest += 1000;
    --seconds;
  }
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> out{};
  const std::size_t n = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(out.data() + n, out.size() - n, ".%03dZ", static_cast<int>(rest));
  return out.data();
}

}  // namespace quoll

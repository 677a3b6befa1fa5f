// Time in Quoll: one monotonic time point, one duration, both in nanoseconds.
//
// Core never reads a clock: `now` is an argument everywhere, so a test or the simulator may pass any time it likes. The
// real clock is read in net, proxy and lab through `steady_now()`, which is declared here and defined in clock.cc, the
// only file of base that calls a clock.
//
// Thread-safe: free functions without state.
#pragma once

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

#include "quoll/base/result.h"

namespace quoll {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// CLOCK_MONOTONIC, read now (never a cached value).
TimePoint steady_now();
// CLOCK_REALTIME, read now. For logs, headers, and the conversion of kernel stamps only.
WallTime wall_now();

// Reads "250us", "500ms", "5s", "1.5s", "2m", "1h" or "0". The unit is required for anything but 0.
// Errors name the text and the accepted forms. Range: 0 to 10 years.
Result<Duration> parse_duration(std::string_view text);

// The shortest exact form that parse_duration reads back: "500ms", "1500ms", "2m".
std::string format_duration(Duration d);

// For people: at most three significant digits and the fitting unit: "1.23ms", "45.6s".
std::string humanize(Duration d);

// Seconds as a double, as Prometheus and JSON want them.
inline double to_seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}
// Milliseconds as a double, as people want them.
inline double to_millis(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

// The same to three decimals: more digits would only be noise in a file.
inline double rounded_seconds(Duration d) {
  return std::round(to_seconds(d) * 1e3) / 1e3;
}
inline double rounded_millis(Duration d) {
  return std::round(to_millis(d) * 1e3) / 1e3;
}
// What JSON and Prometheus give back, to the nanosecond.
inline Duration from_seconds(double seconds) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(seconds));
}
inline Duration from_millis(double millis) {
  return std::chrono::round<Duration>(std::chrono::duration<double, std::milli>(millis));
}

// RFC 3339 in UTC with milliseconds: "2026-11-23T20:53:31.123Z".
std::string format_rfc3339(WallTime t);

}  // namespace quoll

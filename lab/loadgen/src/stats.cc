#include <algorithm>

#include "quoll/lab/loadgen/report.h"

namespace quoll::lab::loadgen {

std::string_view to_string(ErrorKind kind) {
  constexpr std::array<std::string_view, kErrorKinds> kNames{"connect", "reset",  "timeout",   "protocol",
                                                             "closed",  "unsent", "unfinished"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Fallback fallback) {
  constexpr std::array<std::string_view, kFallbacks> kNames{"none", "open", "timeout", "error", "other"};
  return kNames[static_cast<std::size_t>(fallback)];
}

std::uint64_t Stats::error_count() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : errors) sum += count;
  return sum;
}

std::uint64_t Stats::succeeded() const {
  std::uint64_t sum = 0;
  for (std::size_t code = 200; code < 400; ++code) sum += status[code];
  return sum;
}

void Stats::merge(const Stats& other) {
  latency.merge(other.latency);
  for (std::size_t i = 0; i < kStatuses; ++i) status[i] += other.status[i];
  for (std::size_t i = 0; i < kFallbacks; ++i) fallback[i] += other.fallback[i];
  for (std::size_t i = 0; i < kErrorKinds; ++i) errors[i] += other.errors[i];
  bytes_received += other.bytes_received;
  connections_opened += other.connections_opened;
  own_delay_max = std::max(own_delay_max, other.own_delay_max);
}

double Report::responses_per_second() const {
  return duration > Duration::zero() ? static_cast<double>(stats.responses()) / to_seconds(duration) : 0;
}

}  // namespace quoll::lab::loadgen

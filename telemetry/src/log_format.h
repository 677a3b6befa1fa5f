// One log line as text. Private to telemetry.
#pragma once

#include <fmt/format.h>

#include "quoll/telemetry/log.h"

namespace quoll::telemetry::internal {

struct LogLine {
  LogLevel level = LogLevel::info;
  std::string_view event;
  std::span<const Field> fields;
  const TraceContext* trace = nullptr;
  WallTime wall{};
  std::uint64_t suppressed = 0;  // lines of this event withheld since the last one; 0 is not printed
};

// {"ts":...,"level":...,"event":...,<fields>,"trace_id":...,"span_id":...,"suppressed":...}
void format_json(fmt::memory_buffer& out, const LogLine& line);
// 2026-11-23T20:53:31.123Z info  circuit_open circuit=default failure_rate=60
// A string that is empty or has anything but plain visible ASCII is quoted as in JSON.
void format_text(fmt::memory_buffer& out, const LogLine& line);

}  // namespace quoll::telemetry::internal

// TraceContext: who a call belongs to, as W3C Trace Context carries it from process to process.
//
//   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//
// A caller's traceparent is parsed; each call upstream gets a child of it (the same trace, a span of its own). What
// cannot be parsed is treated as absent, and a new trace begins. W3C Recommendation "Trace Context", sections 3.2, 4.3.
//
// Thread-compatible values and free functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/rng.h"

namespace quoll::telemetry {

struct TraceContext {
  static constexpr std::uint8_t kSampled = 0x01;

  std::array<std::uint8_t, 16> trace_id{};  // never all zero
  std::array<std::uint8_t, 8> span_id{};    // never all zero
  std::uint8_t flags = 0;

  bool sampled() const { return (flags & kSampled) != 0; }
  bool operator==(const TraceContext&) const = default;
};

inline constexpr std::size_t kTraceparentSize = 55;

// Strict: lower-case hex, the exact form of version 00; ids of zeros and version ff are refused. A version we do not
// know is read by its first 55 characters, as the Recommendation asks. The flags that we do not know are dropped.
Result<TraceContext> parse_traceparent(std::string_view text);
// Version 00. The array is not terminated; std::string_view(a.data(), a.size()) is a header's value.
std::array<char, kTraceparentSize> format_traceparent(const TraceContext& context);

// Lower-case hex, not terminated.
std::array<char, 32> trace_id_hex(const TraceContext& context);
std::array<char, 16> span_id_hex(const TraceContext& context);

// A trace that begins here.
TraceContext new_trace(Rng& rng, bool sampled);
// The same trace and flags with a new span id.
TraceContext child_of(const TraceContext& parent, Rng& rng);

}  // namespace quoll::telemetry

// DurationRange: "between this and that long", as options take it: "100ms..800ms", or "1s" for exactly that.
//
// Thread-safe: free functions on plain values.
#pragma once

#include <string>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll {

// Both ends included; low <= high.
struct DurationRange {
  Duration low{};
  Duration high{};

  bool operator==(const DurationRange&) const = default;
};

// Reads "100ms..800ms", or one duration for a range of a single value. Errors name the text and the accepted forms.
Result<DurationRange> parse_duration_range(std::string_view text);

// The form that parse_duration_range reads back.
std::string format_duration_range(const DurationRange& range);

}  // namespace quoll

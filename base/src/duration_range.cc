#include "quoll/base/duration_range.h"

namespace quoll {

Result<DurationRange> parse_duration_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto low = parse_duration(text.substr(0, dots));
  if (!low) return low.error();
  if (dots == std::string_view::npos) return DurationRange{*low, *low};
  const auto high = parse_duration(text.substr(dots + 2));
  if (!high) return high.error();
  if (*low > *high) {
    return Error{"'" + std::string(text) + "' is not a range; the shorter duration comes first, as in 100ms..800ms",
                 "bad_range"};
  }
  return DurationRange{*low, *high};
}

std::string format_duration_range(const DurationRange& range) {
  if (range.low == range.high) return format_duration(range.low);
  return format_duration(range.low) + ".." + format_duration(range.high);
}

}  // namespace quoll

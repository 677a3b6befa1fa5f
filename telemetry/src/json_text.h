// The forms of JSON values, appended to a buffer: fmt::memory_buffer (log lines) or std::string (JsonWriter). Private
// to telemetry.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

namespace quoll::telemetry::internal {

template <typename Out>
void append(Out& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}
// In quotes, escaped (RFC 8259, section 7). At most max_bytes of `text`, then "..."; bytes that are not well-formed
// UTF-8 become '?'. Control characters are escaped, DEL too, so that nothing reaches a terminal raw.
template <typename Out>
void append_json_string(Out& out, std::string_view text, std::size_t max_bytes);
// The shortest form that reads back as the same number; null for NaN and the infinities.
template <typename Out>
void append_json_number(Out& out, double value);

}  // namespace quoll::telemetry::internal

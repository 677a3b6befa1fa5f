#include "json_text.h"

#include <cmath>
#include <iterator>
#include <string>

#include "utf8.h"

namespace quoll::telemetry::internal {

namespace {

template <typename Out>
void append_escaped(Out& out, char c) {
  switch (c) {
    case '"':
      return append(out, "\\\"");
    case '\\':
      return append(out, "\\\\");
    case '\n':
      return append(out, "\\n");
    case '\r':
      return append(out, "\\r");
    case '\t':
      return append(out, "\\t");
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F || c == '"' || c == '\\';
}

}  // namespace

template <typename Out>
void append_json_string(Out& out, std::string_view text, std::size_t max_bytes) {
  out.push_back('"');
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::size_t taken = length == 0 ? 1 : length;
    used += taken;
    if (used > max_bytes) {
      append(out, "...");
      break;
    }
    if (length == 0) {
      out.push_back('?');
    } else if (length == 1 && needs_escape(text.front())) {
      append_escaped(out, text.front());
    } else {
      append(out, text.substr(0, length));
    }
    text.remove_prefix(taken);
  }
  out.push_back('"');
}

template <typename Out>
void append_json_number(Out& out, double value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    append(out, "null");
  }
}

template void append_json_string(fmt::memory_buffer& out, std::string_view text, std::size_t max_bytes);
template void append_json_string(std::string& out, std::string_view text, std::size_t max_bytes);
template void append_json_number(fmt::memory_buffer& out, double value);
template void append_json_number(std::string& out, double value);

}  // namespace quoll::telemetry::internal

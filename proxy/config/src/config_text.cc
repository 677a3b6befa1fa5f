#include "config_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace quoll::proxy {
namespace {

bool is_control(char c) {
  return (c >= 0 && c < ' ') || c == 127;
}

// The length of the well-formed sequence that `text` begins with (Unicode 15, table 3-7), 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<TextFault> find_text_fault(std::string_view text) {
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      line_start = i + 1;
    } else if (is_control(c) && c != '\t' && c != '\r') {
      return TextFault{line, i - line_start + 1,
                       fmt::format("the byte 0x{:02x} may not be in the file; it must be text", c)};
    }
    const std::size_t length = sequence_length(text.substr(i));
    if (length == 0) {
      return TextFault{line, i - line_start + 1,
                       fmt::format("the byte 0x{:02x} is not UTF-8; save the file as UTF-8",
                                   static_cast<unsigned>(static_cast<unsigned char>(c)))};
    }
    i += length;
  }
  return std::nullopt;
}

std::optional<std::string> find_value_fault(std::string_view value) {
  if (value.size() > kLongestValue) {
    return fmt::format("has {} bytes; a value may have {}", value.size(), kLongestValue);
  }
  const auto control = std::find_if(value.begin(), value.end(), is_control);
  if (control != value.end()) {
    return fmt::format("has the control byte 0x{:02x}; write plain text", static_cast<unsigned>(*control));
  }
  return std::nullopt;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 64;
  std::string out(text.substr(0, kMost));
  std::replace_if(out.begin(), out.end(), is_control, '?');
  return text.size() > kMost ? out + "..." : out;
}

}  // namespace quoll::proxy

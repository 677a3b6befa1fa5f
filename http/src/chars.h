// Character classes of RFC 9110 and RFC 3986, by table. Private to the module.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace quoll::http {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}
constexpr bool is_alnum(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

namespace internal {
constexpr std::array<bool, 256> make_table(bool (*in)(unsigned char)) {
  std::array<bool, 256> out{};
  for (unsigned i = 0; i < 256; ++i) out[i] = in(static_cast<unsigned char>(i));
  return out;
}
inline constexpr auto kToken = make_table([](unsigned char c) {
  return is_alnum(static_cast<char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
});
// Field values: no control bytes but HTAB; obs-text is let through.
inline constexpr auto kFieldChar = make_table([](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
// A target: visible ASCII without '#'.
inline constexpr auto kTarget = make_table([](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; });
// A host's name but for percent-encoded bytes (RFC 3986 section 3.2.2).
inline constexpr auto kName = make_table([](unsigned char c) {
  return is_alnum(static_cast<char>(c)) ||
         std::string_view("-._~!$&'()*+,;=").find(static_cast<char>(c)) != std::string_view::npos;
});
}  // namespace internal

constexpr bool is_token_char(char c) {
  return internal::kToken[static_cast<unsigned char>(c)];
}
constexpr bool is_field_char(char c) {
  return internal::kFieldChar[static_cast<unsigned char>(c)];
}
constexpr bool is_target_char(char c) {
  return internal::kTarget[static_cast<unsigned char>(c)];
}
constexpr bool is_name_char(char c) {
  return internal::kName[static_cast<unsigned char>(c)];
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The members of a comma-separated list, trimmed; empty ones are left out (RFC 9110 section 5.6.1.2).
template <typename Visit>
void for_each_member(std::string_view list, Visit visit) {
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view member = trim(list.substr(0, comma));
    if (!member.empty()) visit(member);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

// A view into the bytes at `from`, moved to the same place in the copy at `to`. Views of static text stay.
inline std::string_view rebased(std::string_view view, const char* from, const char* to) {
  if (view.data() == nullptr) return view;
  return {to + (view.data() - from), view.size()};
}

}  // namespace quoll::http

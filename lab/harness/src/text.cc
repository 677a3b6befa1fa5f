#include "quoll/lab/harness/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace quoll::lab::harness {

namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Bytes of the first `columns` characters.
std::size_t bytes_of(std::string_view utf8, std::size_t columns) {
  std::size_t at = 0;
  while (at < utf8.size() && columns > 0) {
    ++at;
    while (at < utf8.size() && continues(utf8[at])) ++at;
    --columns;
  }
  return at;
}

std::string_view escape(Colour colour) {
  switch (colour) {
    case Colour::none:
      return "";
    case Colour::green:
      return "\x1b[32m";
    case Colour::red:
      return "\x1b[31m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::cyan:
      return "\x1b[36m";
    case Colour::magenta:
      return "\x1b[35m";
    case Colour::grey:
      return "\x1b[90m";
    case Colour::bold:
      return "\x1b[1m";
  }
  return "";
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string ms_text(Duration d) {
  const double ms = to_millis(d);
  return fmt::format("{:.{}f}", ms, ms < 10 && ms > -10 ? 1 : 0);
}

std::string clock_text(Duration since_start) {
  const auto tenths = std::max<std::int64_t>(0, since_start / std::chrono::milliseconds(100));
  return fmt::format("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10);
}

std::string state_words(std::string_view state) {
  std::string words(state);
  std::replace(words.begin(), words.end(), '_', '-');
  return words;
}

std::string_view cut_front(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view piece = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return piece;
}

std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return !continues(c); }));
}

std::string clip(std::string_view utf8, std::size_t columns) {
  if (width_of(utf8) <= columns) return std::string(utf8);
  if (columns == 0) return {};
  return std::string(utf8.substr(0, bytes_of(utf8, columns - 1))) + "…";
}

std::string pad_left(std::string_view utf8, std::size_t columns) {
  return std::string(columns - std::min(columns, width_of(utf8)), ' ') + std::string(utf8);
}

std::string pad_right(std::string_view utf8, std::size_t columns) {
  return std::string(utf8) + std::string(columns - std::min(columns, width_of(utf8)), ' ');
}

std::string_view bar(double value, double top) {
  static constexpr std::array<std::string_view, 9> kBars = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (value <= 0 || top <= 0) return kBars[0];
  return kBars[static_cast<std::size_t>(std::clamp(std::ceil(value / top * 8), 1.0, 8.0))];
}

Colour state_colour(std::string_view state) {
  if (state == "closed") return Colour::green;
  if (state == "open" || state == "forced_open") return Colour::red;
  if (state == "half_open") return Colour::yellow;
  return Colour::cyan;
}

Line& Line::put(std::string_view text, Colour colour) {
  const std::string fitting = clip(text, columns_ - width_);
  if (fitting.empty()) return *this;
  const bool coloured = colours_ && colour != Colour::none;
  if (coloured) text_ += escape(colour);
  text_ += fitting;
  if (coloured) text_ += "\x1b[0m";
  width_ += width_of(fitting);
  return *this;
}

Line& Line::to(std::size_t column) {
  const std::size_t wanted = std::min(column, columns_);
  if (wanted > width_) {
    text_.append(wanted - width_, ' ');
    width_ = wanted;
  }
  return *this;
}

std::vector<std::string> Table::lines() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? pad_right(row[i], widths[i]) : "  " + pad_left(row[i], widths[i]);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace quoll::lab::harness

// Small pieces of text: numbers as people read them, columns, and strips that show a series in one line.
//
// Text is UTF-8 whose every character takes one column; nothing here writes a wider one.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::lab::harness {

// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);
// Milliseconds without the unit: one decimal below 10.
std::string ms_text(Duration d);
// "01:23.4" of a run.
std::string clock_text(Duration since_start);
// "half-open" for "half_open".
std::string state_words(std::string_view state);

// Takes the text up to the next `end`, and that too, off the front of `text`.
std::string_view cut_front(std::string_view& text, char end);

// Columns that a text takes.
std::size_t width_of(std::string_view utf8);
// The longest prefix of at most `columns`; a cut is shown by a final ellipsis.
std::string clip(std::string_view utf8, std::size_t columns);
std::string pad_left(std::string_view utf8, std::size_t columns);
std::string pad_right(std::string_view utf8, std::size_t columns);

// One of " ▁▂▃▄▅▆▇█": value 0 is the blank, `top` and more the full block; anything above 0 is visible.
std::string_view bar(double value, double top);

enum class Colour : std::uint8_t { none, green, red, yellow, cyan, magenta, grey, bold };
Colour state_colour(std::string_view state);

// A line of at most `columns`, with colours only where they are wanted. Text that does not fit is left out.
class Line {
 public:
  Line(std::size_t columns, bool colours) : columns_(columns), colours_(colours) {}

  Line& put(std::string_view text, Colour colour = Colour::none);
  // Blanks up to a column.
  Line& to(std::size_t column);
  std::size_t width() const { return width_; }
  std::string take() { return std::move(text_); }

 private:
  std::size_t columns_;
  bool colours_;
  std::size_t width_ = 0;
  std::string text_;
};

// Lines with columns: the first left-aligned, the others right-aligned, each as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // One line per row, without newlines; two blanks between columns.
  std::vector<std::string> lines() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace quoll::lab::harness

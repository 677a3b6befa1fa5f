// A table of text: the first column to the left, the others to the right. Widths count code points.
//
// Thread-compatible.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace quoll::sim {

class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string pad(widths[i] - width(row[i]), ' ');
        if (i != 0) out += "  ";
        out += i == 0 ? row[i] + pad : pad + row[i];
      }
      out.erase(out.find_last_not_of(' ') + 1);
      out += '\n';
    }
    return out;
  }

 private:
  static std::size_t width(std::string_view text) {
    // Continuation bytes of UTF-8 take no room.
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
  }
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace quoll::sim

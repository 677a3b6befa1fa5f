// DateCache: the text of a Date field, made once a second at most. Loop-confined.
#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "quoll/http/write.h"

namespace quoll::proxy {

class DateCache {
 public:
  // Valid until the next call.
  std::string_view at(WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    if (second != second_) {
      http::format_http_date(text_, now);
      second_ = second;
    }
    return {text_.data(), text_.size()};
  }

 private:
  std::array<char, http::kHttpDateBytes> text_{};
  std::int64_t second_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace quoll::proxy

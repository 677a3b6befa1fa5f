// What the fuzz targets share: an assertion that stands in any build, and a split that the input chooses.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "quoll/http/fields.h"

#define QUOLL_FUZZ_CHECK(condition) \
  do {                              \
    if (!(condition)) std::abort(); \
  } while (false)

namespace quoll::http {

inline bool inside(std::string_view text, std::string_view buffer) {
  return text.empty() || (text.data() >= buffer.data() && text.data() + text.size() <= buffer.data() + buffer.size());
}

inline bool same(const FieldList& a, const FieldList& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].value != b[i].value) return false;
  }
  return true;
}

// Piece sizes of 1 to 32 bytes in an order that `seed` decides.
class Pieces {
 public:
  explicit Pieces(std::uint8_t seed) : state_(seed * 2654435761U + 1) {}
  std::size_t next() {
    state_ = state_ * 1664525U + 1013904223U;
    return 1 + (state_ >> 27U);
  }

 private:
  std::uint32_t state_;
};

}  // namespace quoll::http

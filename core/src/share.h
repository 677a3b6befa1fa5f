// Shares of a count, where floating point would lie by one: 7 of 100 are 7 %, although 0.07 * 100 > 7, and 29 % of 100
// are 29, although 0.29 * 100 < 29 (private to core).
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quoll::core::internal {

inline constexpr double kRounding = 1e-12;

// part / whole >= share.
inline bool reaches(std::uint64_t part, std::uint64_t whole, double share) {
  return static_cast<double>(part) >= share * static_cast<double>(whole) * (1 - kRounding);
}

// The whole ones in `share` of `count`.
inline std::size_t whole_share(double share, std::size_t count) {
  return static_cast<std::size_t>(share * static_cast<double>(count) * (1 + kRounding));
}

}  // namespace quoll::core::internal

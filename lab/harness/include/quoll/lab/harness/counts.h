// CountMap: counts by a word (an event, an outcome, a status code).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace quoll::lab::harness {

using CountMap = std::map<std::string, std::uint64_t, std::less<>>;

// 0 when it is not there.
inline std::uint64_t count_of(const CountMap& counts, std::string_view key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace quoll::lab::harness

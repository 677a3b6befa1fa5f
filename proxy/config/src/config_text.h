// What a configuration's text must be before it is read as YAML: UTF-8 without control bytes. yaml-cpp takes anything
// else without a word, and puts other characters in its place.
//
// Thread-safe: free functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace quoll::proxy {

// No setting needs more; what is longer would fill a terminal when it is quoted in a fault.
inline constexpr std::size_t kLongestValue = 4096;

struct TextFault {
  std::size_t line = 0;    // from 1
  std::size_t column = 0;  // in bytes, from 1
  std::string what;
};

// The first byte that may not be in a configuration; nullopt when all may.
std::optional<TextFault> find_text_fault(std::string_view text);

// Whether a setting's value may be looked at: at most kLongestValue bytes, none of them a control byte. What is wrong
// with it otherwise.
std::optional<std::string> find_value_fault(std::string_view value);

// Text of a file's for a message: cut after 64 bytes, without control bytes.
std::string shown(std::string_view text);

}  // namespace quoll::proxy

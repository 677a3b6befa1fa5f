// Text from a peer, made fit to print. Private to telemetry.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quoll::telemetry::internal {

// The length of the well-formed UTF-8 sequence that `text` begins with (Unicode 15, table 3-7: no surrogates, no
// overlong forms), or 0 if it begins with none. `text` is not empty.
std::size_t utf8_length(std::string_view text);

// At most max_bytes of `text`, never cutting a character; each byte that is not part of well-formed UTF-8, and each
// control character, becomes '?'.
std::string printable_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace quoll::telemetry::internal

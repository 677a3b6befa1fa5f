// Repairs of an answer's head: what old servers send, RFC 9112 lets a recipient mend, and nginx, HAProxy or Envoy take.
// Bytes in, a head out that parse_response takes or refuses as any other; the strict parser stays the only judge.
//
//   - lines that end with LF alone (section 2.2);
//   - a field folded over several lines: the fold becomes a space (section 5.2);
//   - several Content-Length that are all the same number, also as a list: they become one (section 6.3);
//   - Transfer-Encoding in HTTP/1.0: the framing is believed and the connection ends after it (section 6.1). The head
//     then says HTTP/1.1 and Connection: close.
//
// Only for answers, and only of servers that are trusted: two readers of one such message may read it differently.
//
// Thread-safe: a free function; scan and output belong to the caller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "quoll/http/head.h"

namespace quoll::http {

// What earlier calls on a growing buffer have seen. `= {}`, with an empty `out`, starts the next head.
struct RepairScan {
  std::uint32_t line_start = 0;
  std::uint32_t scanned = 0;
};

// `bytes` from the head's first one. When complete, `consumed` is its length as it came, and `out` the head.
ParseResult repair_response_head(std::string_view bytes, const Limits& limits, RepairScan& scan, std::string& out);

}  // namespace quoll::http

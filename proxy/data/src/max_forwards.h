// Max-Forwards (RFC 9110 section 7.6.2): an OPTIONS or TRACE that says how many proxies may pass it on. At 0 the proxy
// that has it answers as if it were the server; before that each takes one off.
//
// Thread-safe: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quoll/http/head.h"
#include "quoll/proxy/data/own_pages.h"

namespace quoll::proxy {

// The methods that a proxy passes on, as Allow has them. (Any other is passed on as well, but for CONNECT.)
inline constexpr std::string_view kAllow = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n";

class MaxForwards {
 public:
  explicit MaxForwards(const http::RequestHead& request) {
    if (request.method == "OPTIONS" || request.method == "TRACE") read(request);
  }

  // Not one number: which proxy is meant nobody can tell.
  bool malformed() const { return malformed_; }
  bool used_up() const { return left_ == 0; }
  // What the next one gets in place of the field; absent where the field does not count.
  std::optional<std::uint32_t> next() const { return left_ ? std::optional(*left_ - 1) : std::nullopt; }

 private:
  void read(const http::RequestHead& request);

  std::optional<std::uint32_t> left_;
  bool malformed_ = false;
};

// The answer to a request whose Max-Forwards is used up: to OPTIONS what the proxy can do, to TRACE the request as it
// came, without what it should not tell (section 9.3.8).
PageAnswer answer_as_recipient(const http::RequestHead& request);

}  // namespace quoll::proxy

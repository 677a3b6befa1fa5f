// OwnPages: what the proxy answers itself on its clients' port, from which the data plane is told only what a request
// asks for and what to send.
//
// Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "quoll/net/loop.h"

namespace quoll::proxy {

struct PageAnswer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string fields;  // further ones, each ended by CRLF
};

class OwnPages {
 public:
  // The page that a path on the clients' port names, as make() wants it, its query kept; empty when it is none and the
  // request goes to a route.
  virtual std::string_view page_of(std::string_view path) const = 0;
  // Makes one. Not on the caller's executor, to which it comes back: a large page does not hold up requests.
  virtual net::Task<PageAnswer> make(std::string_view method, std::string_view page) = 0;

 protected:
  ~OwnPages() = default;
};

}  // namespace quoll::proxy

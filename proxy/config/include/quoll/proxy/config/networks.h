// Networks: a list of addresses and networks as people write it: "10.0.0.0/8, ::1". Thread-safe once made.
#pragma once

#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/net/executor.h"

namespace quoll::proxy {

class Networks {
 public:
  // Nothing of an empty text. The error says which entry is wrong, and what would be right.
  static Result<Networks> parse(std::string_view text);

  bool empty() const { return networks_.empty(); }
  // IPv4 in IPv6 (::ffff:10.0.0.1) counts as IPv4.
  bool contains(const net::asio::ip::address& address) const;

 private:
  struct Network {
    net::asio::ip::address_v6 base;  // IPv4 mapped into it
    unsigned bits;                   // of 128
  };

  std::vector<Network> networks_;
};

}  // namespace quoll::proxy

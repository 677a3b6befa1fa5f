#include "target.h"

#include <string>

namespace quoll::lab::pressure {

Result<net::HostPort> parse_target(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  std::string_view left = url;
  if (left.starts_with(kScheme)) {
    left.remove_prefix(kScheme.size());
    if (left.ends_with('/')) left.remove_suffix(1);
    auto where = net::parse_host_port(left);
    if (where && !where->host.empty() && where->port != 0) return where;
  }
  return Error{"'" + std::string(url) + "' is not a target; write http://HOST:PORT, such as http://127.0.0.1:3900",
               "address"};
}

}  // namespace quoll::lab::pressure

// Target: the address that the load goes to, taken apart from the URL and found in the network.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "quoll/base/result.h"

namespace quoll::lab::loadgen {

struct Target {
  std::string host;         // a name or a literal address, without brackets
  std::string port;         // digits
  std::string host_header;  // as it stands in the URL: "localhost:3000", "[::1]:8080"
  std::string path;         // origin form, with the query; at least "/"
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// Errors say what an accepted URL looks like. No I/O.
Result<Target> parse_target(std::string_view url);

// True for 127.0.0.0/8, ::1 and the name localhost. No I/O.
bool names_loopback(const std::string& host);

// The first address of the target that accepts a connection, or else its first address. A literal address is taken as
// it is; only a name with several addresses is tried (localhost: IPv4 first, where nothing listens perhaps ::1).
// Unless `allow_remote`, an address that is not loopback is refused, whatever the name said. Blocks on the resolver.
Result<Address> resolve(const Target& target, bool allow_remote);

// "127.0.0.1:3000", for messages.
std::string to_string(const Address& address);

}  // namespace quoll::lab::loadgen

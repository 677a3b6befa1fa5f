// Addresses as people write them: "127.0.0.1:3000", ":3000", "[::1]:3000", "localhost:3000".
//
// Thread-safe: free functions. `resolve` blocks and must not be called on a worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/net/executor.h"

namespace quoll::net {

using TcpEndpoint = asio::ip::tcp::endpoint;

struct HostPort {
  std::string host;  // a name or an address, without brackets; empty means "all addresses"
  std::uint16_t port = 0;
};

// Port 0 is accepted: "any free port". Errors say what is wrong and show the form that is right.
Result<HostPort> parse_host_port(std::string_view text);

// For a listener: the address must be one of this machine's. An empty host is 0.0.0.0.
Result<TcpEndpoint> parse_listen_address(std::string_view text);

// All addresses of a name, IPv4 first. Blocks on the system's resolver.
Result<std::vector<TcpEndpoint>> resolve(const HostPort& where);

// "127.0.0.1:3000", "[::1]:3000".
std::string to_string(const TcpEndpoint& endpoint);

}  // namespace quoll::net

// The PROXY protocol, versions 1 and 2: how a proxy in front of this one says on whose behalf it connects, before the
// connection's first request; and how this one says so to its upstream.
//
// Strict, as the specification asks of receivers (haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2): a header
// is whole or refused, its addresses are what its first line says, and nothing of it is guessed. What is in front of it
// is not looked for. TLVs of version 2 are skipped.
//
// Thread-safe: free functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "quoll/net/endpoint.h"

namespace quoll::proxy {

// The longest header that is read. Version 1 has at most 107 bytes; version 2 may have TLVs behind its addresses.
inline constexpr std::size_t kMostProxyHeader = 4096;

struct ProxyHeader {
  enum class Status : std::uint8_t { need_more, complete, bad };
  Status status = Status::need_more;
  std::size_t consumed = 0;  // when complete: its length
  // The client's address and port. Port 0 and no address: the header gives none (UNKNOWN, LOCAL, a UNIX socket), and
  // the connection's own holds.
  bool has_source = false;
  net::TcpEndpoint source;
  std::string_view fault = {};  // when bad; static
};

// Reads a header at the start of `bytes`, which is all that has come so far.
ProxyHeader parse_proxy_header(std::string_view bytes);

// Appends a header of version 2: a connection of `source` to `destination`. Of two kinds of addresses IPv4 is written
// as IPv6.
void append_proxy_header(std::string& out, const net::TcpEndpoint& source, const net::TcpEndpoint& destination);

}  // namespace quoll::proxy

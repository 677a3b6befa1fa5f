#include "quoll/net/endpoint.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace quoll::net {
namespace {

Error bad_address(std::string_view text, std::string_view why) {
  return Error{"'" + std::string(text) + "' is not an address: " + std::string(why) +
                   "; write HOST:PORT, such as 127.0.0.1:3000, :3000 or [::1]:3000",
               "address"};
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad_address(text, "the ']' is missing");
    out.host = text.substr(1, close - 1);
    if (close + 1 >= text.size() || text[close + 1] != ':') return bad_address(text, "the port is missing");
    port = text.substr(close + 2);
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad_address(text, "the port is missing");
    out.host = text.substr(0, colon);
    if (out.host.find(':') != std::string::npos) return bad_address(text, "an IPv6 address needs brackets");
    port = text.substr(colon + 1);
  }
  const bool clean =
      std::all_of(out.host.begin(), out.host.end(), [](char c) { return c > ' ' && c != '/' && c < 127; });
  if (!clean) return bad_address(text, "the host has characters that a host cannot have");
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return bad_address(text, "the port must be a number from 0 to 65535");
  }
  return out;
}

Result<TcpEndpoint> parse_listen_address(std::string_view text) {
  auto where = parse_host_port(text);
  if (!where) return where.error();
  if (where->host.empty()) return TcpEndpoint(asio::ip::tcp::v4(), where->port);
  auto found = resolve(*where);
  if (!found) return found.error();
  return found->front();
}

Result<std::vector<TcpEndpoint>> resolve(const HostPort& where) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(where.host, error);
  if (!error) return std::vector<TcpEndpoint>{TcpEndpoint(address, where.port)};

  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  const auto results =
      resolver.resolve(where.host, std::to_string(where.port), asio::ip::resolver_base::numeric_service, error);
  if (error || results.empty()) {
    return Error{"cannot resolve '" + where.host + "': " + (error ? error.message() : "no address"), "resolve"};
  }
  std::vector<TcpEndpoint> out;
  for (const auto& entry : results) out.push_back(entry.endpoint());
  std::stable_sort(out.begin(), out.end(), [](const TcpEndpoint& a, const TcpEndpoint& b) {
    return a.address().is_v4() && !b.address().is_v4();
  });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string to_string(const TcpEndpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace quoll::net

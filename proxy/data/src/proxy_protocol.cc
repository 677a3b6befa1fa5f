#include "proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

namespace quoll::proxy {
namespace {

using Status = ProxyHeader::Status;
namespace ip = net::asio::ip;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::size_t kMostLine = 107;  // with CRLF
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed = 16;  // of version 2
constexpr std::size_t kPorts = 4;

ProxyHeader bad(std::string_view fault) {
  ProxyHeader out;
  out.status = Status::bad;
  out.fault = fault;
  return out;
}
ProxyHeader complete(std::size_t consumed) {
  ProxyHeader out;
  out.status = Status::complete;
  out.consumed = consumed;
  return out;
}

// --- Version 1 ------------------------------------------------------------------------------------------------------

// Digits without a leading zero, up to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return value;
}

std::optional<ip::address> parse_address(std::string_view text, bool v6) {
  boost::system::error_code error;
  if (v6) {
    if (text.find('%') != text.npos) return std::nullopt;  // a zone means nothing on another machine
    const auto address = ip::make_address_v6(std::string(text), error);
    return error ? std::nullopt : std::optional<ip::address>(address);
  }
  const auto address = ip::make_address_v4(std::string(text), error);
  return error ? std::nullopt : std::optional<ip::address>(address);
}

// Up to the next space or the end.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == rest.npos ? rest.size() : space + 1);
  return word;
}

ProxyHeader parse_v1(std::string_view bytes) {
  const std::size_t newline = bytes.substr(0, kMostLine).find('\n');
  if (newline == bytes.npos) {
    return bytes.size() >= kMostLine ? bad("the PROXY line is longer than 107 bytes") : ProxyHeader();
  }
  if (bytes[newline - 1] != '\r') return bad("the PROXY line does not end with CR LF");
  std::string_view rest = bytes.substr(kSignature1.size(), newline - 1 - kSignature1.size());
  if (rest.find('\r') != rest.npos) return bad("the PROXY line has a CR inside");
  ProxyHeader out = complete(newline + 1);
  const std::size_t spaces = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), ' '));
  const std::string_view family = take_word(rest);
  if (family == "UNKNOWN") return out;  // whatever follows is to be ignored
  const bool v6 = family == "TCP6";
  if (!v6 && family != "TCP4") return bad("the PROXY line is for neither TCP4, TCP6 nor UNKNOWN");
  if (spaces != 4) return bad("the PROXY line has not two addresses and two ports");
  const auto source = parse_address(take_word(rest), v6);
  const auto destination = parse_address(take_word(rest), v6);
  const auto source_port = parse_port(take_word(rest));
  const auto destination_port = parse_port(take_word(rest));
  if (!source || !destination) return bad("an address of the PROXY line is malformed");
  if (!source_port || !destination_port) return bad("a port of the PROXY line is malformed");
  out.has_source = true;
  out.source = net::TcpEndpoint(*source, *source_port);
  return out;
}

// --- Version 2 ------------------------------------------------------------------------------------------------------

std::uint8_t byte(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}
std::uint16_t number(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte(bytes, at) << 8U | byte(bytes, at + 1));
}

template <typename Address>
Address address_at(std::string_view bytes, std::size_t at) {
  typename Address::bytes_type raw;
  std::memcpy(raw.data(), bytes.data() + at, raw.size());
  return Address(raw);
}

ProxyHeader parse_v2(std::string_view bytes) {
  if (bytes.size() < kFixed) return {};
  const std::uint8_t version_command = byte(bytes, 12);
  if (version_command != 0x20 && version_command != 0x21) {
    return bad("the PROXY header's version or command is not known");
  }
  const std::size_t length = number(bytes, 14);
  if (kFixed + length > kMostProxyHeader) return bad("the PROXY header is too long");
  if (bytes.size() < kFixed + length) return {};
  ProxyHeader out = complete(kFixed + length);
  const bool local = version_command == 0x20;
  if (local) return out;  // a health check of the proxy's own
  switch (byte(bytes, 13)) {
    case 0x11: {
      constexpr std::size_t kSize = 4;
      if (length < 2 * kSize + kPorts) return bad("the PROXY header's addresses are cut");
      out.source = {address_at<ip::address_v4>(bytes, kFixed), number(bytes, kFixed + 2 * kSize)};
      out.has_source = true;
      return out;
    }
    case 0x21: {
      constexpr std::size_t kSize = 16;
      if (length < 2 * kSize + kPorts) return bad("the PROXY header's addresses are cut");
      out.source = {address_at<ip::address_v6>(bytes, kFixed), number(bytes, kFixed + 2 * kSize)};
      out.has_source = true;
      return out;
    }
    case 0x31:
      return length < 216 ? bad("the PROXY header's addresses are cut") : out;
    case 0x00:
      return out;
    default:
      return bad("the PROXY header's family is not that of a stream");
  }
}

void append_number(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8U & 0xffU);
  out += static_cast<char>(value & 0xffU);
}
template <typename Address>
void append_address(std::string& out, const Address& address) {
  for (const unsigned char c : address.to_bytes()) out += static_cast<char>(c);
}
ip::address_v6 as_v6(const ip::address& address) {
  return address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  for (const std::string_view signature : {kSignature1, kSignature2}) {
    const std::size_t size = std::min(signature.size(), bytes.size());
    if (bytes.substr(0, size) != signature.substr(0, size)) continue;
    if (size < signature.size()) return {};
    return signature == kSignature1 ? parse_v1(bytes) : parse_v2(bytes);
  }
  return bad("the connection does not begin with a PROXY header");
}

void append_proxy_header(std::string& out, const net::TcpEndpoint& source, const net::TcpEndpoint& destination) {
  const bool v4 = source.address().is_v4() && destination.address().is_v4();
  out += kSignature2;
  out += '\x21';
  out += v4 ? '\x11' : '\x21';
  append_number(out, v4 ? 12 : 36);
  for (const net::TcpEndpoint* end : {&source, &destination}) {
    if (v4) {
      append_address(out, end->address().to_v4());
    } else {
      append_address(out, as_v6(end->address()));
    }
  }
  append_number(out, source.port());
  append_number(out, destination.port());
}

}  // namespace quoll::proxy

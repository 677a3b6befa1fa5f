#include "quoll/proxy/config/networks.h"

#include <fmt/format.h>

#include <charconv>

namespace quoll::proxy {
namespace {

namespace ip = net::asio::ip;

constexpr unsigned kMapped = 96;  // bits of IPv6 in front of an IPv4 address

ip::address_v6 as_v6(const ip::address& address) {
  return address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
}

bool same_beginning(const ip::address_v6::bytes_type& a, const ip::address_v6::bytes_type& b, unsigned bits) {
  for (unsigned i = 0; i < a.size() && bits > 0; ++i) {
    const unsigned here = std::min(bits, 8U);
    if ((a[i] ^ b[i]) >> (8U - here) != 0) return false;
    bits -= here;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Networks> Networks::parse(std::string_view text) {
  Networks out;
  for (bool more = !trimmed(text).empty(); more;) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = trimmed(text.substr(0, comma));
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
    const auto bad = [&] {
      return Error{fmt::format("'{}' is neither an address nor a network; write 10.0.0.0/8 or ::1", entry), "network"};
    };
    const std::size_t slash = entry.find('/');
    boost::system::error_code error;
    const ip::address address = ip::make_address(std::string(entry.substr(0, slash)), error);
    if (error || (address.is_v6() && address.to_v6().scope_id() != 0)) return bad();
    const unsigned most = address.is_v4() ? 32 : 128;
    unsigned bits = most;
    if (slash != entry.npos) {
      const std::string_view length = entry.substr(slash + 1);
      const auto [end, failed] = std::from_chars(length.data(), length.data() + length.size(), bits);
      if (failed != std::errc() || end != length.data() + length.size() || bits > most) return bad();
    }
    out.networks_.push_back({as_v6(address), address.is_v4() ? kMapped + bits : bits});
  }
  return out;
}

bool Networks::contains(const ip::address& address) const {
  const auto bytes = as_v6(address).to_bytes();
  for (const Network& network : networks_) {
    if (same_beginning(network.base.to_bytes(), bytes, network.bits)) return true;
  }
  return false;
}

}  // namespace quoll::proxy

#include "target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <boost/url.hpp>
#include <cstring>
#include <memory>
#include <vector>

#include "quoll/base/fd.h"

namespace quoll::lab::loadgen {

namespace {

constexpr int kProbeMillis = 1000;

Error bad_url(std::string_view url, const char* why) {
  return Error{"URL '" + std::string(url) + "': " + why + "; expected http://host[:port][/path]", "url"};
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return (ntohl(v4.sin_addr.s_addr) >> 24U) == 127;
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
  }
  return false;
}

bool accepts(const Address& address) {
  const Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd wait{fd.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return poll(&wait, 1, kProbeMillis) == 1 && getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
         error == 0;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

Result<Target> parse_target(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return bad_url(url, "not a URL");
  const boost::urls::url_view& view = *parsed;
  if (view.scheme() != "http") return bad_url(url, "only http is spoken");
  if (view.has_userinfo()) return bad_url(url, "user information is not sent; use --header 'Authorization: ...'");
  if (view.has_fragment()) return bad_url(url, "a fragment is never sent");
  Target target;
  target.host = view.host_address();
  if (target.host.empty()) return bad_url(url, "no host");
  target.port = view.has_port() && !view.port().empty() ? std::string(view.port()) : "80";
  if (target.port.size() > 5 || std::stoi(target.port) < 1 || std::stoi(target.port) > 65535) {
    return bad_url(url, "the port must be 1 to 65535");
  }
  target.host_header = std::string(view.encoded_host_and_port());
  target.path = std::string(view.encoded_path());
  if (target.path.empty()) target.path = "/";
  if (view.has_query()) target.path += "?" + std::string(view.encoded_query());
  return target;
}

bool names_loopback(const std::string& host) {
  if (host == "localhost") return true;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return (ntohl(v4.sin_addr.s_addr) >> 24U) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<Address> resolve(const Target& target, bool allow_remote) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> owner(found);
  if (status != 0) return Error{"cannot resolve '" + target.host + "': " + gai_strerror(status), "resolve"};
  std::vector<Address> addresses;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
      if (one->ai_family != family || (!allow_remote && !is_loopback(one->ai_addr))) continue;
      Address address;
      std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
      address.length = one->ai_addrlen;
      addresses.push_back(address);
    }
  }
  if (addresses.empty()) {
    return Error{"'" + target.host + "' has no loopback address; other machines need --allow-remote", "resolve"};
  }
  if (addresses.size() > 1) {
    for (const Address& address : addresses) {
      if (accepts(address)) return address;
    }
  }
  return addresses.front();
}

std::string to_string(const Address& address) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  const int status = getnameinfo(reinterpret_cast<const sockaddr*>(&address.storage), address.length, host.data(),
                                 host.size(), port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
  if (status != 0) return "?";
  const bool v6 = address.storage.ss_family == AF_INET6;
  return (v6 ? "[" : "") + std::string(host.data()) + (v6 ? "]:" : ":") + port.data();
}

}  // namespace quoll::lab::loadgen

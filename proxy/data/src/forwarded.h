// What a request's upstream is told of the client in front of us: X-Forwarded-For, -Proto and -Host, and Forwarded
// (RFC 7239); and whom we take for the client ourselves.
//
// X-Forwarded-For and Forwarded are lists that each proxy adds its own peer to, so that a reader who knows how many
// proxies it trusts knows which entry holds. X-Forwarded-Proto and -Host are single values: they are believed of
// trusted proxies and written anew for everybody else.
//
// Loop-confined.
#pragma once

#include <string>
#include <string_view>

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

// The client's own fields that ours stand for.
struct ForwardedByClient {
  bool proto = false;
  bool host = false;
};
// What all requests of a connection begin with, as nearly every one has it.
std::string forwarded_beginning(std::string_view peer);
void append_forwarded(std::string& out, const Session& session, ForwardedByClient passed);

namespace internal {
std::string_view find_client(const http::RequestHead& request, std::string_view peer, std::size_t trusted_hops);
}
// The client's address: with N trusted hops in front of us the Nth from the end of X-Forwarded-For with the peer, as
// far as there are so many.
inline std::string_view client_address(const http::RequestHead& request, std::string_view peer,
                                       std::size_t trusted_hops) {
  return trusted_hops == 0 ? peer : internal::find_client(request, peer, trusted_hops);
}

}  // namespace quoll::proxy

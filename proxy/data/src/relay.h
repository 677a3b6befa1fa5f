// An answer's body on its way to the client, streamed with back-pressure: nothing is read before what was read last has
// been written.
//
// Loop-confined.
#pragma once

#include <functional>

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

enum class RelayEnd : std::uint8_t {
  done,
  upstream_broken,  // it closed early, reset, or sent what is no body
  upstream_silent,  // nothing for longer than the gap
  client_gone,
  client_slow,  // the upstream broke off while the client had not taken what was there: it gave up on the client
  local_lack,   // this machine was out of something that reading needs
};

// Writes exchange.out (the head) and the body that follows to the client. `chunked`: frame it in chunks. `on_complete`
// is called once the body has been received whole, before its last part is written.
net::Task<RelayEnd> relay_response(Session& session, net::Stream& upstream, http::BodyReader& body, bool chunked,
                                   const std::function<void()>& on_complete);

}  // namespace quoll::proxy

// The head of an upstream's answer as its client gets it: end-to-end fields as they came, the connection's own replaced
// by ours, and what RFC 9110 has a proxy add or leave out.
//
// Loop-confined.
#pragma once

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

struct ClientHead {
  bool chunked = false;                      // the body is to be framed in chunks
  bool keep = true;                          // the client's connection outlives the exchange
  Duration upstream_rest = Duration::max();  // how long the upstream says that it keeps its connection; see below
};

// How long the upstream says that it keeps an idle connection (`Keep-Alive: timeout=5`), less the time in which its end
// and a request may cross. Without a word of it there is no bound.
Duration announced_rest(const http::ResponseHead& head);

// Writes exchange.response to exchange.out. `may_keep`: nothing but the answer's framing forbids to keep the
// connection.
ClientHead compose_client_head(Session& session, bool may_keep);

// Passes exchange.response, an interim answer, on. False when the client is gone or does not take it.
net::Task<bool> send_interim(Session& session);
// `100 Continue`: the client may send its body. Once.
net::Task<bool> send_continue(Session& session);

}  // namespace quoll::proxy

// The policy stack: what happens to one request, layer by layer. Loop-confined.
#pragma once

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

// Serves the request in session.exchange, whose head has been read. True when the connection can carry another one.
net::Task<bool> serve(Session& session);

}  // namespace quoll::proxy

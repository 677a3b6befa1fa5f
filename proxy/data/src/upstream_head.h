// The head of a client's request as its upstream gets it: end-to-end fields as they came, and what a proxy adds.
//
// Loop-confined.
#pragma once

#include "call_limit.h"
#include "call_trace.h"
#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

// Writes exchange.request to exchange.out, with a new span of the trace.
void compose_upstream_head(Session& session, const CallLimit& limit, CallTrace& trace);

// Whether a request asks for the one upgrade that is passed on: a WebSocket (RFC 6455). What follows it is not HTTP,
// and h2c, say, would be HTTP past our eyes.
bool asks_for_websocket(const http::RequestHead& request);
// Whether exchange.response, a 101, is what such a request was for.
bool switches_to_websocket(const Exchange& exchange);

}  // namespace quoll::proxy

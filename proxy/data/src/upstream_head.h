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

}  // namespace quoll::proxy

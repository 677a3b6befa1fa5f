// Whether a request could be made again, as far as HTTP and this proxy are concerned; whether it is, the engine
// decides.
//
// Loop-confined.
#pragma once

#include "quoll/core/pipeline.h"
#include "quoll/proxy/data/session.h"
#include "upstream_call.h"

namespace quoll::proxy {

// RFC 9110 section 9.2.2.
bool idempotent(std::string_view method);

// What the engine must know of a failed attempt. The last one: a request with a body, which is not kept; an answer that
// a repeat cannot cure; a proxy that is going away.
core::AttemptInfo attempt_info(const Session& session, const UpstreamCall& attempt, bool answered);
// Waits, on the session's worker.
net::Task<void> pause(Session& session, Duration length);

}  // namespace quoll::proxy

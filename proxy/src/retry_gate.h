// Whether a call that failed is made again, and after which pause: the proxy's side of core's RetryPolicy.
//
// Loop-confined.
#pragma once

#include <optional>

#include "quoll/core/deadline.h"
#include "session.h"
#include "upstream_call.h"

namespace quoll::proxy {

// For an attempt that has just failed, the `attempts`-th of its request: how long to wait before the next one, or
// nothing. Never for a request with a body, which is not kept, nor for a trial, which is one call by intention.
std::optional<Duration> pause_before_retry(Session& session, const UpstreamCall& attempt, bool answered, bool trial,
                                           unsigned attempts, const core::Deadline& deadline, TimePoint now);
// Waits, on the session's worker.
net::Task<void> rest(Session& session, Duration pause);

}  // namespace quoll::proxy

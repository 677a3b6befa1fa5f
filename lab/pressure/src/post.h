// One small HTTP request on a connection of its own, with a time limit. Private to this module.
//
// Blocking on purpose: pressure does one thing at a time, and must not depend on a loop that it may be stalling.
#pragma once

#include <string>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/lab/pressure/run.h"
#include "quoll/net/endpoint.h"

namespace quoll::lab::pressure {

struct Reply {
  unsigned status = 0;
  std::string body;  // its first 64 KiB
};

// "http://host:port" or "http://host:port/"; anything after that is an error "address".
Result<net::HostPort> parse_target(std::string_view url);

// Errors: "address", "resolve", "connect", "timeout", "protocol", "stopped"; all but the first two may pass by
// themselves.
Result<Reply> post(std::string_view target, std::string_view path, std::string_view body, Duration timeout,
                   const StopSignal& stop);

}  // namespace quoll::lab::pressure

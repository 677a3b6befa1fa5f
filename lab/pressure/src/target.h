// The proxy that is asked to block its loops. Private to this module.
#pragma once

#include <string_view>

#include "quoll/base/result.h"
#include "quoll/net/endpoint.h"

namespace quoll::lab::pressure {

// "http://host:port" or "http://host:port/"; anything after that is an error "address".
Result<net::HostPort> parse_target(std::string_view url);

}  // namespace quoll::lab::pressure

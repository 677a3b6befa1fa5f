// The request target and the host in it (RFC 9112 section 3.2). Private to the module.
#pragma once

#include <string_view>

#include "quoll/http/head.h"

namespace quoll::http {

// host [ ":" port ], the host in brackets or without colons.
bool is_authority(std::string_view text, bool port_required);

// Fills form, path and host from `out.method` and `out.target`. Returns what is wrong with the target, or nothing.
std::string_view read_target(RequestHead& out);

}  // namespace quoll::http

// Finding ports of 127.0.0.1 for the parts to listen on.
//
// Thread-safe: free functions.
#pragma once

#include <cstdint>

namespace quoll::lab::harness {

// A port is free when nothing listens on it, also not with SO_REUSEPORT.
bool port_is_free(std::uint16_t port);
// A port that is free now; 0 when the system has none.
std::uint16_t any_free_port();

}  // namespace quoll::lab::harness

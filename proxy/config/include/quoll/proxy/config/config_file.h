// A file becomes ProxyOptions here and nowhere else. Its settings are those of settings.h; the dotted ones are nested:
//
//   upstream: http://127.0.0.1:3001
//   timeout: 500ms
//   breaker:
//     failure_rate_threshold: 50%
//     reset_timeout: 5s
//
//   routes:                          # each with a circuit of its own; see RouteOptions
//     - name: orders
//       path: /orders
//       upstream: http://127.0.0.1:3002
//       timeout: 2s
//
// Durations are written "500ms", shares "50%" or 0.5, sizes "64KiB" or a number of bytes.
//
// A file is one document of UTF-8 text, of at most kMostConfigBytes.
//
// Thread-safe: free functions.
#pragma once

#include <cstddef>
#include <string>

#include "quoll/base/result.h"
#include "quoll/proxy/config/options.h"
#include "quoll/proxy/config/settings.h"

namespace quoll::proxy {

// 4,096 routes of a kilobyte each.
inline constexpr std::size_t kMostConfigBytes = 4U << 20U;

// Reads a file's text: strict (unknown and repeated keys are faults) and validated. The error's message has every fault
// on a line of its own, as "FILE:LINE:COLUMN: what is wrong".
Result<ProxyOptions> read_config(const std::string& text, const std::string& file);

}  // namespace quoll::proxy

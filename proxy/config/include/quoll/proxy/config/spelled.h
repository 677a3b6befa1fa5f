// How the settings are written that are more, or less, than one member's value: `timeout: adaptive` beside `timeout:
// 2s`. For the describe()s of the options, which name them.
//
// Thread-safe: free functions.
#pragma once

#include <string_view>

#include "quoll/base/schema.h"

namespace quoll::proxy {

struct CallPolicyOptions;
struct ProxyOptions;
struct RouteSettings;

namespace spelled {

schema::Value timeout(const RouteSettings& options);
schema::Fault timeout(RouteSettings& options, std::string_view text);

schema::Value fallback(const RouteSettings& options);
schema::Fault fallback(RouteSettings& options, std::string_view text);

// Methods are told apart by case (RFC 9110 section 9.1), and none that is in use has a lower-case letter.
schema::Value fallback_methods(const RouteSettings& options);
schema::Fault fallback_methods(RouteSettings& options, std::string_view text);

// A number is a fixed limit; a word finds one.
schema::Value concurrency(const CallPolicyOptions& options);
schema::Fault concurrency(CallPolicyOptions& options, std::string_view text);

schema::Value pages(const ProxyOptions& options);
schema::Fault pages(ProxyOptions& options, std::string_view text);

schema::Value priority_header(const ProxyOptions& options);
schema::Fault priority_header(ProxyOptions& options, std::string_view text);

}  // namespace spelled

}  // namespace quoll::proxy

// The configuration as the admin port shows it, and as a file: every setting by its name (settings.h), with the value
// that the proxy goes by (ProxyOptions::resolved).
//
// Thread-safe: free functions.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "quoll/proxy/config/options.h"

namespace quoll::proxy {

boost::json::object config_json(const ProxyOptions& options);
// What may differ per route; `options` is resolved already.
boost::json::object route_settings_json(const RouteSettings& options);

// A file that read_config reads back to the same configuration.
std::string config_yaml(const ProxyOptions& options);

}  // namespace quoll::proxy

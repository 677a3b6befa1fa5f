// The JSON of /config: every setting with the name, the nesting and the form that a configuration file has, so that
// each value can be written there as it is shown. null where there is none.
//
// Thread-safe: a free function.
#pragma once

#include <boost/json/object.hpp>

#include "quoll/proxy/config/options.h"

namespace quoll::proxy {

boost::json::object config_json(const ProxyOptions& options);

}  // namespace quoll::proxy

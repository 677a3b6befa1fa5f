// The common part of all experiments' records, as JSON.
//
// Thread-safe: free functions.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/lab/harness/run.h"

namespace quoll::lab::harness {

boost::json::object to_object(const Environment& environment);
// Of sentences and problems.
boost::json::array to_array(const std::vector<Claim>& claims);
boost::json::array to_array(const std::vector<std::string>& texts);
// null for nothing.
boost::json::value optional_millis(const std::optional<Duration>& time);

}  // namespace quoll::lab::harness

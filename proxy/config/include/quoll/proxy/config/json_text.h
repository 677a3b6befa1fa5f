// JSON as people read it in a terminal: indented, numbers as they are written by hand (Boost.JSON prints 0.5 as 5E-1).
//
// Thread-safe: a free function.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace quoll::proxy {

// Ends with a newline. Objects and arrays of plain values stay on one line while they are short.
std::string json_text(const boost::json::value& value);

}  // namespace quoll::proxy

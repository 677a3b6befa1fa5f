// The JSON Schema of a configuration file, for editors: they complete names and values, show each setting's sentence,
// and mark what is wrong. Committed as ops/quoll.schema.json; `quoll check --schema` prints it.
//
// It knows each setting alone. What settings demand of each other is said by `quoll check`.
//
// Thread-safe: a free function.
#pragma once

#include <boost/json/object.hpp>

namespace quoll::proxy {

// Draft 7, which editors know.
boost::json::object json_schema();

}  // namespace quoll::proxy

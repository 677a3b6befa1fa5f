// Numbers of a schema as text: shortest, without an exponent.
//
// Thread-safe: free functions.
#pragma once

#include <string>

#include "quoll/base/schema.h"

namespace quoll::schema {

std::string number_text(double value);
// An end of a range: "10ms", "0.5", "1000000".
std::string bound_text(double bound, Unit unit);

}  // namespace quoll::schema

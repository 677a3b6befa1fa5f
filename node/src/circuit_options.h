// Options of a circuit from a JavaScript object: opossum's names where it has one, core's fields behind them.
//
// Loop-confined.
#pragma once

#include <node_api.h>

#include "circuit.h"

namespace quoll::node {

// False once it has thrown: a TypeError for a wrong type, a RangeError that lists every fault of the values.
bool read_options(napi_env env, napi_value object, CircuitOptions& out);

}  // namespace quoll::node

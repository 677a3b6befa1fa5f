// What core tells of a circuit, as JavaScript objects: transitions with their evidence, snapshots, words.
//
// Loop-confined.
#pragma once

#include <node_api.h>

#include "circuit.h"

namespace quoll::node {

napi_value to_js(napi_env env, const core::Transition& transition);
napi_value to_js(napi_env env, Circuit& circuit, TimePoint now);

}  // namespace quoll::node

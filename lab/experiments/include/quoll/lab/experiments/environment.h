// What an experiment ran on, so that its figures can be judged.
//
// Thread-safe: free functions.
#pragma once

#include "quoll/lab/experiments/model.h"

namespace quoll::lab::experiments {

Environment read_environment();
// CPUs that this process may run on; at least 1.
unsigned usable_cores();

}  // namespace quoll::lab::experiments

// fault_of: what a Result says is wrong, so that a test names the fault it expects. One that only expects some fault
// passes, too, when the call fails for a reason that the test did not mean.
//
// Thread-safe: a free function.
#pragma once

#include <string>

#include "quoll/base/result.h"

namespace quoll::testing {

// The error's message; "(no fault)" where there is none.
template <typename T>
std::string fault_of(const Result<T>& result) {
  return result ? "(no fault)" : result.error().message;
}

}  // namespace quoll::testing

// This build's version, which CMakeLists.txt's project() sets: "0.1.0".
//
// Thread-safe: a free function.
#pragma once

namespace quoll {

const char* version();

}  // namespace quoll

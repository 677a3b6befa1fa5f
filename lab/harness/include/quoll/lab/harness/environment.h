// What an experiment ran on, so that its figures can be judged.
//
// Thread-safe: free functions.
#pragma once

#include <cstdint>
#include <string>

namespace quoll::lab::harness {

struct Environment {
  std::string version = {};
  std::string compiler = {};
  std::string kernel = {};
  std::string cpu = {};
  unsigned cores = 0;  // that this process may use
  std::uint64_t memory_bytes = 0;
  std::string started_at = {};  // RFC 3339
};

Environment read_environment();
// CPUs that this process may run on; at least 1.
unsigned usable_cores();

}  // namespace quoll::lab::harness

// Pressure on the machine: threads that burn whole cores.
//
// Thread-safe: several runs may go on at once.
#pragma once

#include <vector>

#include "quoll/lab/pressure/run.h"

namespace quoll::lab::pressure {

struct CpuOptions {
  // Threads that burn. Default 0: as many as this process may use CPUs. Range 0 to 1024.
  unsigned cores = 0;
  // The threads' nice value: 0 competes as an equal, 19 takes what is left, below 0 needs privilege. Default 0, range
  // -20 to 19.
  int nice = 0;
  // The share of each 10 ms that a thread burns. Default 1, range 0.01 to 1.
  double duty = 1;
  RunLength duration = {};

  std::vector<std::string> validate() const;
};

// Events: "start" (cores), once a second "burning" (cores_used: CPU seconds a second), "done" (cpu_seconds).
Result<void> run_cpu(const CpuOptions& options, const Sink& sink, const StopSignal& stop);

}  // namespace quoll::lab::pressure

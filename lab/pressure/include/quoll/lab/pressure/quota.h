// Pressure through the scheduler: puts a process into a control group of its own under a CPU quota, as Kubernetes CPU
// limits do, if wanted together with a process that spins.
//
// Works with cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us); needs the right to create groups, normally root. At the end
// every process in the group goes back to where the target was, and the group is removed. A run that is killed with
// SIGKILL leaves the group "quoll-pressure-PID" behind, where PID is that of the run.
//
// Thread-safe.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "quoll/lab/pressure/run.h"

namespace quoll::lab::pressure {

struct QuotaOptions {
  // The process, with all its threads. Required.
  pid_t pid = 0;
  // Of one CPU, for everything in the group together. Default 20, range 1 to 10,000.
  double percent = 20;
  // The quota is handed out anew each period. Default 100 ms (the kernel's and Kubernetes'), range 1 ms to 1 s. Quota
  // times period must be at least 1 ms.
  Duration period = std::chrono::milliseconds(100);
  // A process that spins in the same group. Default none.
  bool neighbour = false;
  // Where control groups are mounted; for tests.
  std::string mounts = "/proc/self/mounts";
  RunLength duration = {};

  std::vector<std::string> validate() const;
};

// Events: "limited" (percent, group), once a second "throttled" (periods, throttled, throttled_ms: since the last one),
// "gone" when the target ended, "restored".
Result<void> run_quota(const QuotaOptions& options, const Sink& sink, const StopSignal& stop);

}  // namespace quoll::lab::pressure

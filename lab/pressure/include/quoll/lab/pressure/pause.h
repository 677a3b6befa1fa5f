// Pressure by suspension: stops a process with SIGSTOP for a while, at random, as a hypervisor or a debugger would.
//
// The process is held by a pidfd, so that a number that is used again never hits a stranger. Whenever the run ends, the
// target has been continued; only SIGKILL of the run itself in the middle of a stop leaves it stopped.
//
// Thread-safe, but two runs on one process undo each other's stops.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/lab/pressure/run.h"

namespace quoll::lab::pressure {

struct PauseOptions {
  // The process to stop. Required; not this one and not 1.
  pid_t pid = 0;
  // How long it is stopped, uniformly. Default 300 ms, range 1 ms to 1 min.
  DurationRange stop{std::chrono::milliseconds(300), std::chrono::milliseconds(300)};
  // From one stop's start to the next one's, uniformly. Default 1 to 2 s, range 10 ms to 1 h.
  DurationRange every{std::chrono::seconds(1), std::chrono::seconds(2)};
  RunLength duration = {};
  std::uint64_t seed = 1;

  std::vector<std::string> validate() const;
};

// Events: "stop" (stop_ms), "continue" (stopped_ms: what it really was), "gone" when the target ended, "done" (stops).
Result<void> run_pause(const PauseOptions& options, const Sink& sink, const StopSignal& stop);

}  // namespace quoll::lab::pressure

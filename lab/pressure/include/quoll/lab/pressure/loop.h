// Pressure on event loops: asks a caller, over HTTP, to block its own loops, as CPU-heavy work on them would.
//
// Every now and then, POST /pressure with {"block_ms":100,"worker":"all"} goes to the caller's admin port. `quoll proxy
// --allow-pressure` has the endpoint, and so do the Node peers of bench/peers. 202 means that it blocks; 403 means that
// the proxy was not started with --allow-pressure. A caller that is not there (yet) is tried again at the next turn and
// reported when that changes.
//
// Thread-safe: several runs may go on at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/lab/pressure/run.h"

namespace quoll::lab::pressure {

struct LoopOptions {
  // Where to: "http://host:port", without a path. Default the proxy's admin port.
  std::string target = "http://127.0.0.1:3900";
  // How long one block lasts, uniformly. Default 100 ms, range 1 ms to 10 s.
  DurationRange block{std::chrono::milliseconds(100), std::chrono::milliseconds(100)};
  // From one block's start to the next one's, uniformly. Default 1 to 2 s, range 10 ms to 1 h.
  DurationRange every{std::chrono::seconds(1), std::chrono::seconds(2)};
  // "all", "random" (one of those there are, uniformly, anew for each block), or a worker's number. Default all.
  std::string worker = "all";
  RunLength duration = {};
  std::uint64_t seed = 1;

  std::vector<std::string> validate() const;
};

// Events: "block" (block_ms, worker, status, blocked, took_ms), "refused" (status), "unreachable" (text says why),
// "reachable", "done" (blocks). An answer of 403 ends the run with the error "forbidden" when nothing was ever blocked.
Result<void> run_loop(const LoopOptions& options, const Sink& sink, const StopSignal& stop);

}  // namespace quoll::lab::pressure

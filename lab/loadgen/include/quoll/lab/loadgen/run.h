// run(): makes the load that the options describe and reports what came of it.
//
//   StopSignal stop;
//   auto report = run(options, {.on_tick = print}, stop);
//   if (!report) ...                                   // bad options, or the machine refused (files, memory)
//
// Each thread is one epoll loop over non-blocking sockets; the caller's thread collects a tick a second from them and
// calls the hooks. A failing peer is never an error of run(): it is counted in the report. The run ends by its options
// (then requests in flight may finish within their timeout, and the backlog is still sent), or by a stop request (then
// nothing more is sent and requests in flight have up to kStopGrace).
//
// Thread-safe: several runs may go on at once; the hooks are called on run()'s thread.
#pragma once

#include <functional>

#include "quoll/base/result.h"
#include "quoll/base/stop_signal.h"
#include "quoll/lab/loadgen/options.h"
#include "quoll/lab/loadgen/report.h"

namespace quoll::lab::loadgen {

// What requests in flight are given when a run is stopped.
inline constexpr Duration kStopGrace = std::chrono::seconds(1);

struct Hooks {
  // Once a second, and once more for the last part of one. May be empty.
  std::function<void(const Tick&)> on_tick = {};
  // Idle mode, once: every connection was tried, and `open` of them are held. May be empty.
  std::function<void(std::size_t open)> on_idle = {};
};

// Errors: "bad_options" (the message lists every fault, one a line), "resolve", "descriptors", "file", "system".
Result<Report> run(const Options& options, const Hooks& hooks, const StopSignal& stop);

}  // namespace quoll::lab::loadgen

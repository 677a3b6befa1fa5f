// LoopMonitor: measures every worker's lag from outside, on a thread of its own.
//
// A loop cannot report that it is blocked while it is blocked. The monitor posts a small probe to each worker and notes
// how long it takes to run; while a probe has not run, its age is the lag so far, so a stall is visible while it lasts.
// One probe is on its way per worker at a time. When the monitor's own thread comes late (the process as a whole gets
// no CPU), that is a stall of every worker and is reported as one.
//
// Thread-safe: current, longest. `on_lag` is called on the worker that the probe ran on.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "quoll/net/worker.h"

namespace quoll::net {

struct LoopMonitorOptions {
  // Time between probes. Default 20 ms: a stall of that length or more is not missed. Range 1 ms to 1 s.
  Duration period = std::chrono::milliseconds(20);
  // How far back `longest` looks. Default 10 s.
  Duration window = std::chrono::seconds(10);
};

class LoopMonitor {
 public:
  // Called once for each finished probe with the worker's index and its lag.
  using OnLag = std::function<void(unsigned worker, Duration lag, TimePoint now)>;

  LoopMonitor(Workers& workers, const OnLag& on_lag, const LoopMonitorOptions& options = {});
  ~LoopMonitor();
  LoopMonitor(const LoopMonitor&) = delete;
  LoopMonitor& operator=(const LoopMonitor&) = delete;

  void start();
  void stop();

  // The worker's lag: of a stall that still lasts, its age so far, else that of the last probe.
  Duration current(unsigned worker, TimePoint now) const;
  // The longest lag in the window, one that still lasts included.
  Duration longest(unsigned worker, TimePoint now) const;

 private:
  struct Probe;

  void run();
  static void send(const std::shared_ptr<Probe>& probe);

  LoopMonitorOptions options_;
  std::vector<std::shared_ptr<Probe>> probes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace quoll::net

// OwnHealth: what keeps this process from its work, as metrics: how late its event loops run, how long the kernel keeps
// it from the CPU, and how many of its reads come without the kernel's stamp.
//
// Made before the workers start. note_lag: the monitor's thread. sample: one thread. The rest is atomic.
#pragma once

#include <atomic>
#include <vector>

#include "quoll/net/stall_monitor.h"
#include "quoll/net/worker.h"
#include "quoll/telemetry/registry.h"

namespace quoll::proxy {

class OwnHealth {
 public:
  // Both outlive it.
  OwnHealth(net::Workers& workers, telemetry::Registry& registry);
  OwnHealth(const OwnHealth&) = delete;
  OwnHealth& operator=(const OwnHealth&) = delete;

  void note_lag(unsigned worker, Duration lag) { lags_[worker]->observe(lag, worker); }
  // Once a second: reads what the kernel says of this process.
  void sample();

 private:
  std::vector<telemetry::DurationHistogram*> lags_;  // by worker
  net::StallMonitor stalls_;
  std::atomic<double> run_queue_{0};
  std::atomic<double> throttled_{0};
  std::atomic<double> steal_{0};
};

}  // namespace quoll::proxy

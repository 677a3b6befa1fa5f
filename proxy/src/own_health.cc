#include "own_health.h"

#include <string>

namespace quoll::proxy {

OwnHealth::OwnHealth(net::Workers& workers, telemetry::Registry& registry) {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    lags_.push_back(&registry.histogram("quoll_loop_lag_seconds", "How late an event loop ran what was due.",
                                        {{"worker", std::to_string(i)}}, telemetry::kLagBounds));
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    registry.gauge_fn("quoll_loop_lag_max_seconds", "The longest lag of an event loop in the last 15 s.",
                      {{"worker", std::to_string(i)}}, [lag = lags_[i]] { return to_seconds(lag->recent_max()); });
  }
  const auto stall = [&](const char* kind, const std::atomic<double>& value) {
    registry.counter_fn("quoll_stall_seconds_total",
                        "Time this process was kept from the CPU: run_queue, throttled (cgroup quota), steal.",
                        {{"kind", kind}}, [&value] { return value.load(std::memory_order_relaxed); });
  };
  stall("run_queue", run_queue_);
  stall("throttled", throttled_);
  stall("steal", steal_);
  const auto reads = [&](const char* stamped, net::OwnedCounter net::LoopCounters::*member) {
    registry.counter_fn("quoll_socket_reads_total", "Reads by whether the kernel said when the bytes had arrived.",
                        {{"stamped", stamped}}, [&workers, member] {
                          double sum = 0;
                          for (std::size_t i = 0; i < workers.size(); ++i) {
                            sum += static_cast<double>((workers[i].loop().counters.*member).value());
                          }
                          return sum;
                        });
  };
  reads("true", &net::LoopCounters::stamped_reads);
  reads("false", &net::LoopCounters::unstamped_reads);
}

void OwnHealth::sample() {
  const net::StallTotals totals = stalls_.sample();
  run_queue_.store(to_seconds(totals.run_queue), std::memory_order_relaxed);
  throttled_.store(to_seconds(totals.throttled), std::memory_order_relaxed);
  steal_.store(to_seconds(totals.steal), std::memory_order_relaxed);
}

}  // namespace quoll::proxy

// Sampler: what the live page shows, taken once a second: a row of numbers for its charts, a summary of each circuit
// for its table, and every change of state with its explanation.
//
// It reads what the data plane counts anyway (relaxed atomics, and the breaker's snapshot) on the admin's thread, so
// the data plane pays nothing for it. All memory is bounded: 15 minutes of rows, and of CircuitFeed.
//
// Loop-confined to the admin worker.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/net/loop_monitor.h"
#include "quoll/proxy/data/session.h"
#include "quoll/proxy/live/circuit_feed.h"
#include "quoll/proxy/live/event_hub.h"
#include "quoll/telemetry/time_series.h"

namespace quoll::proxy {

class Sampler {
 public:
  Sampler(const ProxyOptions& options, const Routes& routes, const Metrics& metrics, net::Workers& workers,
          const net::LoopMonitor& monitor, EventHub& hub);
  ~Sampler();

  // Once a second, after the registry's maxima were rotated.
  void sample(TimePoint now, WallTime wall);
  // Publishes changes of state since the last call. Ten times a second; see CircuitFeed::changes.
  void watch(TimePoint now, WallTime wall);

  // What a reader gets first: who this is, and all that is kept after `since` (WallTime{}: everything).
  std::string greeting(WallTime since, TimePoint now, WallTime wall);

  const telemetry::TimeSeries& series() const { return series_; }

 private:
  struct Moment;  // of counters and histograms, to be subtracted

  Moment read(TimePoint now) const;
  std::vector<double> row(const Moment& now) const;
  double longest_lag(TimePoint now) const;
  std::string hello_json(WallTime wall) const;
  std::string status_json(TimePoint now, bool everything);

  const ProxyOptions& options_;
  const Routes& routes_;
  const Metrics& metrics_;
  net::Workers& workers_;
  const net::LoopMonitor& monitor_;
  EventHub& hub_;
  const WallTime started_ = wall_now();
  CircuitFeed feed_;
  telemetry::TimeSeries series_;
  std::unique_ptr<Moment> last_;
};

// The id of the last event that a reader has seen, from its Last-Event-ID or `since=` of the query: milliseconds since
// the epoch. WallTime{} when there is none, or it cannot be read.
WallTime parse_event_id(std::string_view text);

}  // namespace quoll::proxy

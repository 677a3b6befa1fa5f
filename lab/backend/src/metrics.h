// The backend's metrics for Prometheus.
//
// Loop-confined.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "quoll/lab/backend/behaviour.h"
#include "quoll/telemetry/registry.h"

namespace quoll::lab::backend {

class Metrics {
 public:
  Metrics();

  // One finished exchange that the behaviour governed. `took` counts from the arrival of the request to the answer's
  // last byte; status 0 stands for no valid answer.
  void request(Mode mode, unsigned status, Duration took);
  // A request that was not HTTP as we read it.
  void malformed(unsigned status);

  struct Levels {
    std::size_t in_progress = 0;
    std::size_t connections = 0;
    std::size_t truth_records = 0;
    std::uint64_t truth_dropped = 0;
    Mode mode = Mode::answer;
  };
  std::string expose(const Levels& levels);

 private:
  struct Family {
    telemetry::Counter* requests = nullptr;
    telemetry::DurationHistogram* duration = nullptr;
  };

  telemetry::Registry registry_;
  // By mode and status: few pairs exist, and the registry's own look-up takes a lock.
  std::map<std::pair<Mode, unsigned>, Family> families_;
  telemetry::Gauge& in_progress_;
  telemetry::Gauge& connections_;
  telemetry::Gauge& truth_records_;
  std::uint64_t truth_dropped_ = 0;
};

}  // namespace quoll::lab::backend

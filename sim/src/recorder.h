// Recorder: counts and latencies by bucket of time and by phase.
//
// Thread-compatible.
#pragma once

#include <algorithm>
#include <vector>

#include "quoll/base/histogram.h"
#include "quoll/sim/run.h"

namespace quoll::sim {

class Recorder {
 public:
  Recorder(const Plan& plan, TimePoint start);

  // Counters of now; what is counted after the plan's end is in the total only.
  Counts& bucket() { return current_.counts; }
  void good(Duration latency);
  void saw_timeout(Duration timeout) { current_.longest_timeout = std::max(current_.longest_timeout, timeout); }

  // A bucket ends before this time: close it with `gauges` (the counts are the recorder's).
  bool due(TimePoint at) const { return at >= next_ && open_; }
  void close(const Bucket& gauges);
  // Everything into the result.
  void finish(RunResult& result);

 private:
  const Plan plan_;
  const TimePoint start_;
  const TimePoint end_;
  TimePoint next_;
  bool open_ = true;
  std::size_t phase_ = 0;
  Bucket current_;
  Histogram latency_;
  std::vector<Bucket> buckets_;
  std::vector<Counts> phases_;
  std::vector<Histogram> latencies_;
  Counts total_;
};

}  // namespace quoll::sim

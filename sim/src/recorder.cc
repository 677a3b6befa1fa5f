#include "recorder.h"

#include <algorithm>

#include "quoll/base/assert.h"

namespace quoll::sim {

void Counts::add(const Counts& other) {
  arrived += other.arrived;
  for (std::size_t i = 0; i < kEnds; ++i) ended[i] += other.ended[i];
  attempts += other.attempts;
  retries += other.retries;
  hedges += other.hedges;
  timeouts += other.timeouts;
  false_timeouts += other.false_timeouts;
  rescued += other.rescued;
  hangs += other.hangs;
  hang_wait += other.hang_wait;
  wasted += other.wasted;
  backend_full += other.backend_full;
  bad_endpoint += other.bad_endpoint;
}

Recorder::Recorder(const Plan& plan, TimePoint start)
    : plan_(plan),
      start_(start),
      end_(start + plan.phases.back().to),
      next_(start + std::min(plan.bucket, plan.phases.front().to)),
      phases_(plan.phases.size()),
      latencies_(plan.phases.size()) {}

void Recorder::good(Duration latency) {
  if (!open_) return;
  latency_.record(latency);
  latencies_[phase_].record(latency);
}

void Recorder::close(const Bucket& gauges) {
  QUOLL_ASSERT(open_);
  Bucket closed = gauges;
  closed.from = current_.from;
  closed.counts = current_.counts;
  closed.longest_timeout = current_.longest_timeout;
  closed.p50 = latency_.percentile_duration(50);
  closed.p99 = latency_.percentile_duration(99);
  latency_.reset();
  total_.add(closed.counts);
  phases_[phase_].add(closed.counts);
  buckets_.push_back(closed);

  current_ = {};
  current_.from = next_ - start_;
  if (next_ >= end_) {
    open_ = false;
    return;
  }
  while (next_ - start_ >= plan_.phases[phase_].to) ++phase_;
  // A bucket lies in one phase.
  next_ = std::min(next_ + plan_.bucket, start_ + plan_.phases[phase_].to);
}

void Recorder::finish(RunResult& result) {
  total_.add(current_.counts);
  result.buckets = std::move(buckets_);
  result.phases = std::move(phases_);
  result.latencies = std::move(latencies_);
  result.total = total_;
  result.length = end_ - start_;
}

}  // namespace quoll::sim

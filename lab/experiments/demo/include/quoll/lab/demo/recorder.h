// Recorder: the record of an experiment while it is being made, and the clock that all its times are on.
//
// Thread-safe. `read` and `change` hold a lock: their argument must be short, and must not call the Recorder.
#pragma once

#include <utility>

#include "quoll/base/mutex.h"
#include "quoll/base/time.h"
#include "quoll/lab/demo/model.h"

namespace quoll::lab::demo {

class Recorder {
 public:
  // The run starts now.
  explicit Recorder(RunRecord run) : epoch_(steady_now()), wall_epoch_(wall_now()), run_(std::move(run)) {}

  Duration now() const { return steady_now() - epoch_; }
  WallTime wall_epoch() const { return wall_epoch_; }

  template <typename F>
  auto read(const F& f) const {
    const MutexLock lock(mutex_);
    return f(std::as_const(run_));
  }
  template <typename F>
  auto change(const F& f) {
    const MutexLock lock(mutex_);
    return f(run_);
  }
  void mark(std::string text) {
    const Duration at = now();
    change([&](RunRecord& run) { run.marks.push_back({at, std::move(text)}); });
  }
  void problem(std::string text) {
    change([&](RunRecord& run) { run.problems.push_back(std::move(text)); });
  }

 private:
  const TimePoint epoch_;
  const WallTime wall_epoch_;
  mutable Mutex mutex_;
  RunRecord run_ QUOLL_GUARDED_BY(mutex_);
};

}  // namespace quoll::lab::demo

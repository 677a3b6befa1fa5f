// Arrivals: the moments at which an open loop means to send, however the server fares.
//
// Several threads share one schedule without talking: with equal gaps, thread i of n takes every n-th moment; with
// Poisson arrivals each has an independent stream of rate/n, and the sum of such streams is Poisson again.
//
// Thread-compatible.
#pragma once

#include <cstdint>

#include "quoll/base/rng.h"
#include "quoll/base/time.h"

namespace quoll::lab::loadgen {

class Arrivals {
 public:
  // rate: requests a second over all threads, > 0.
  Arrivals(TimePoint start, double rate, bool poisson, unsigned thread, unsigned threads, std::uint64_t seed)
      : start_(start),
        period_(1e9 / rate),
        poisson_(poisson),
        thread_(thread),
        threads_(threads),
        rng_(splitmix64(seed + thread)) {
    advance();
  }

  // The next moment that was not yet taken.
  TimePoint next() const { return next_; }
  void pop() {
    ++taken_;
    advance();
  }

 private:
  void advance() {
    // Equal gaps are computed from the start, not summed up, so that rounding does not drift.
    if (poisson_) {
      elapsed_ += rng_.exponential(period_ * threads_);
    } else {
      elapsed_ = period_ * (static_cast<double>(taken_) * threads_ + thread_);
    }
    next_ = start_ + Duration(static_cast<Duration::rep>(elapsed_));
  }

  TimePoint start_;
  double period_;  // ns
  bool poisson_;
  unsigned thread_;
  unsigned threads_;
  Rng rng_;
  std::uint64_t taken_ = 0;
  double elapsed_ = 0;  // ns since start_; exact to 1 ns up to 100 days
  TimePoint next_;
};

}  // namespace quoll::lab::loadgen

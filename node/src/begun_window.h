// BegunWindow: how many calls began in the last window, by time and not by a timer.
//
// opossum takes its error rate over the calls *fired*, those under way included; core counts a call when it is over.
// Breaker::count_begun() is told this number, so that six failures among ten calls under way are 60 % and not 100 %.
//
// Loop-confined.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::node {

class BegunWindow {
 public:
  BegunWindow(Duration window, unsigned buckets)
      : width_(std::max<Duration::rep>(1, window.count() / std::max(1U, buckets))), counts_(std::max(1U, buckets)) {}

  void add(TimePoint now, std::uint32_t calls = 1) {
    roll(now);
    *current_ += calls;
    total_ += calls;
  }
  std::uint32_t total(TimePoint now) {
    roll(now);
    return total_;
  }
  void clear() {
    std::fill(counts_.begin(), counts_.end(), 0);
    total_ = 0;
  }

 private:
  void roll(TimePoint now) {
    if (now.time_since_epoch().count() < end_) return;
    const Duration::rep tick = now.time_since_epoch().count() / width_;
    const auto passed = static_cast<std::uint64_t>(tick - tick_);
    if (passed >= counts_.size()) {
      clear();
    } else {
      for (Duration::rep each = tick_ + 1; each <= tick; ++each) {
        std::uint32_t& count = counts_[static_cast<std::size_t>(each) % counts_.size()];
        total_ -= count;
        count = 0;
      }
    }
    tick_ = tick;
    end_ = (tick + 1) * width_;
    current_ = &counts_[static_cast<std::size_t>(tick) % counts_.size()];
  }

  Duration::rep width_;
  Duration::rep tick_ = 0;
  Duration::rep end_ = 0;  // of the current bucket
  std::uint32_t total_ = 0;
  std::vector<std::uint32_t> counts_;
  std::uint32_t* current_ = counts_.data();
};

}  // namespace quoll::node

// Cpu: the one CPU of this process as a queue of work. Timers that are due go before everything that was read, as the
// event loops of Node and Asio do it; a stall goes before both. One piece of work at a time, never interrupted.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "quoll/base/time.h"

namespace quoll::sim {

struct Work {
  enum class Kind : std::uint8_t { take_on, refuse, answer, timer, retry, hedge, stall };
  Kind kind = Kind::take_on;
  std::uint32_t slot = 0;
  std::uint32_t tag = 0;
  // stall: its length.
  Duration length{};
};

class Cpu {
 public:
  void submit(const Work& work) {
    switch (work.kind) {
      case Work::Kind::stall:
        stalls_.push_back(work);
        break;
      case Work::Kind::timer:
      case Work::Kind::retry:
      case Work::Kind::hedge:
        timers_.push_back(work);
        break;
      case Work::Kind::take_on:
      case Work::Kind::refuse:
      case Work::Kind::answer:
        reads_.push_back(work);
        break;
    }
  }
  // What to do next; nothing when it is busy or there is nothing.
  std::optional<Work> next() {
    if (current_) return std::nullopt;
    for (std::deque<Work>* lane : {&stalls_, &timers_, &reads_}) {
      if (lane->empty()) continue;
      const Work work = lane->front();
      lane->pop_front();
      return work;
    }
    return std::nullopt;
  }
  void occupy(const Work& work) { current_ = work; }
  Work release() {
    const Work work = *current_;
    current_.reset();
    return work;
  }

 private:
  std::optional<Work> current_;
  std::deque<Work> stalls_;
  std::deque<Work> timers_;
  std::deque<Work> reads_;
};

}  // namespace quoll::sim

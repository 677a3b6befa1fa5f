// Connection and its lists: the state of one socket of a loop. Plain data; Worker has the behaviour.
#pragma once

#include <cstdint>
#include <vector>

#include "quoll/base/fd.h"
#include "quoll/base/time.h"
#include "response_reader.h"

namespace quoll::lab::loadgen {

// One request from the moment it is due.
struct Request {
  std::uint64_t number = 0;  // from 1
  TimePoint intended;        // when it was due; in a closed loop, when it was handed to its connection
  TimePoint started;         // handed to its connection: the timeout counts from here
  TimePoint sent;            // last byte given to the kernel; kept for the request log only
  TimePoint first_byte;      // of the answer, interim answers included
};

inline constexpr std::uint32_t kNone = ~0U;

struct Connection {
  enum class State : std::uint8_t { closed, connecting, ready, busy };

  Fd fd;
  State state = State::closed;
  bool reset_seen = false;       // a send said so; what the peer sent before is still to be read
  bool answered = false;         // this socket has carried a whole answer
  std::uint32_t generation = 0;  // of the socket: an event of an earlier one is stale
  std::uint32_t slot = kNone;    // position in Worker::free_, when free
  std::uint32_t previous = kNone;
  std::uint32_t next = kNone;  // neighbours in InFlight
  std::uint64_t serial = 0;    // of the socket, for the request log
  std::size_t sent_bytes = 0;
  Request request;
  ResponseReader reader;
};

// The connections with a request, oldest first: one timeout holds for all, so the first is the next to expire.
class InFlight {
 public:
  explicit InFlight(std::vector<Connection>& all) : all_(all) {}

  std::size_t size() const { return size_; }
  std::uint32_t oldest() const { return first_; }
  void push(std::uint32_t index) {
    Connection& one = all_[index];
    one.previous = last_;
    one.next = kNone;
    (last_ == kNone ? first_ : all_[last_].next) = index;
    last_ = index;
    ++size_;
  }
  void remove(std::uint32_t index) {
    const Connection& one = all_[index];
    (one.previous == kNone ? first_ : all_[one.previous].next) = one.next;
    (one.next == kNone ? last_ : all_[one.next].previous) = one.previous;
    --size_;
  }

 private:
  std::vector<Connection>& all_;
  std::uint32_t first_ = kNone;
  std::uint32_t last_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace quoll::lab::loadgen

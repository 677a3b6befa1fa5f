// DeadlineQueue: all deadlines of one worker behind one timer.
//
// A proxy sets a deadline for every request and almost never lets it fire, so setting and clearing must cost nothing
// but a tree operation: no allocation, no system call. The queue re-arms its timer only when a new deadline is earlier
// than the one it is armed for; when the timer fires and finds its deadline gone, it arms itself for the next one.
//
// A deadline that fires does not decide anything. It wakes its owner, and the owner looks into the socket first.
//
// Loop-confined.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <chrono>

#include "quoll/base/time.h"
#include "quoll/net/executor.h"
#include "quoll/net/pending_handler.h"

namespace quoll::net {

// The monotonic clock of one loop, or a test's: then time stands still until the test moves it and calls fire_due.
class LoopClock {
 public:
  TimePoint now() const { return manual_ == nullptr ? steady_now() : *manual_; }
  // Before anything asks; `time` outlives the loop.
  void set_manual(const TimePoint& time) { manual_ = &time; }
  bool manual() const { return manual_ != nullptr; }

 private:
  const TimePoint* manual_ = nullptr;
};
inline constexpr LoopClock kRealClock;

// One deadline, a member of what waits for it. Destroying it clears it.
class Deadline : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Wake = void (*)(void* owner);

  Deadline(Wake wake, void* owner) : wake_(wake), owner_(owner) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // The time last set.
  TimePoint at() const { return at_; }
  bool pending() const { return is_linked(); }
  // For one that is not pending: the time that it will be set for.
  void prepare(TimePoint at) { at_ = at; }
  void clear() { unlink_if_linked(); }

  friend bool operator<(const Deadline& a, const Deadline& b) { return a.at_ < b.at_; }

 private:
  friend class DeadlineQueue;
  void unlink_if_linked() {
    if (is_linked()) unlink();
  }

  TimePoint at_{};
  Wake wake_;
  void* owner_;
};

// A Task that waits for a deadline and for nothing else: pause(). Its handler is the queue's to destroy, with the loop.
class PausedTask : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  PausedTask() = default;
  PausedTask(const PausedTask&) = delete;
  PausedTask& operator=(const PausedTask&) = delete;

 private:
  friend class DeadlineQueue;
  static void resume(void* self);

  Deadline deadline_{&PausedTask::resume, this};
  internal::PendingHandler handler_;
};

class DeadlineQueue {
 public:
  // The clock outlives the queue.
  explicit DeadlineQueue(const Executor& executor, const LoopClock& clock = kRealClock)
      : clock_(clock), timer_(executor) {}
  ~DeadlineQueue();
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;

  // Calls the deadline's wake from the loop once `at` has passed. A pending one is moved. kNever never fires.
  void set(Deadline& deadline, TimePoint at);
  // Calls the handler, of void(error_code), once `at` has passed, or never.
  template <typename Handler>
  void pause(PausedTask& task, TimePoint at, Handler handler) {
    task.handler_.set(std::move(handler));
    paused_.push_back(task);
    set(task.deadline_, at);
  }
  // Destroys the Tasks that pause, when nothing runs on the loop any more.
  void destroy_paused();
  // Wakes what is due at `now`; the timer does this by itself.
  void fire_due(TimePoint now);

  // The earliest; kNever without one.
  TimePoint next() const { return deadlines_.empty() ? kNever : deadlines_.begin()->at(); }
  std::size_t size() const { return deadlines_.size(); }

 private:
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
  void arm(TimePoint at);

  boost::intrusive::multiset<Deadline, boost::intrusive::constant_time_size<false>> deadlines_;
  boost::intrusive::list<PausedTask, boost::intrusive::constant_time_size<false>> paused_;
  const LoopClock& clock_;
  Timer timer_;
  TimePoint armed_for_ = kNever;
};

}  // namespace quoll::net

#include "quoll/net/deadline_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace quoll::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// A deadline that notes when it is woken.
struct Waiter {
  explicit Waiter(std::function<void()> on_wake = {}) : then(std::move(on_wake)) {}
  static void wake(void* self) {
    auto* waiter = static_cast<Waiter*>(self);
    ++waiter->woken;
    if (waiter->then) waiter->then();
  }
  int woken = 0;
  std::function<void()> then;
  Deadline deadline{&Waiter::wake, this};
};

// Time is the argument of fire_due; the timer behind the queue is not run.
class DeadlineQueueTest : public ::testing::Test {
 protected:
  static TimePoint at_ms(int ms) { return TimePoint(hours(1'000'000)) + milliseconds(ms); }

  asio::io_context context_{1};
  DeadlineQueue queue_{context_.get_executor()};
};

TEST_F(DeadlineQueueTest, WakesInTheOrderOfTimeNotOfSetting) {
  std::vector<int> order;
  Waiter late([&order] { order.push_back(3); });
  Waiter early([&order] { order.push_back(1); });
  Waiter middle([&order] { order.push_back(2); });
  queue_.set(late.deadline, at_ms(30));
  queue_.set(early.deadline, at_ms(10));
  queue_.set(middle.deadline, at_ms(20));
  queue_.fire_due(at_ms(30));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(DeadlineQueueTest, NotOneNanosecondEarly) {
  Waiter waiter;
  queue_.set(waiter.deadline, at_ms(10));
  queue_.fire_due(at_ms(10) - Duration(1));
  EXPECT_EQ(waiter.woken, 0);
  queue_.fire_due(at_ms(10));
  EXPECT_EQ(waiter.woken, 1);
  EXPECT_FALSE(waiter.deadline.pending());
}

TEST_F(DeadlineQueueTest, AMovedDeadlineFiresOnceAndAtItsNewTime) {
  Waiter waiter;
  queue_.set(waiter.deadline, at_ms(10));
  queue_.set(waiter.deadline, at_ms(20));
  EXPECT_EQ(queue_.size(), 1U);
  queue_.fire_due(at_ms(15));
  EXPECT_EQ(waiter.woken, 0);
  queue_.set(waiter.deadline, at_ms(16));
  queue_.fire_due(at_ms(16));
  queue_.fire_due(at_ms(30));
  EXPECT_EQ(waiter.woken, 1);
}

TEST_F(DeadlineQueueTest, AClearedDeadlineDoesNotFire) {
  Waiter waiter;
  queue_.set(waiter.deadline, at_ms(10));
  waiter.deadline.clear();
  waiter.deadline.clear();
  queue_.fire_due(at_ms(20));
  EXPECT_EQ(waiter.woken, 0);
}

TEST_F(DeadlineQueueTest, NeverIsNotEvenPending) {
  Waiter waiter;
  queue_.set(waiter.deadline, at_ms(10));
  queue_.set(waiter.deadline, kNever);
  EXPECT_FALSE(waiter.deadline.pending());
  EXPECT_EQ(waiter.deadline.at(), kNever);
  queue_.fire_due(TimePoint::max());
  EXPECT_EQ(waiter.woken, 0);
}

TEST_F(DeadlineQueueTest, AWakeMayClearAnotherThatIsDueToo) {
  Waiter second;
  Waiter first([&second] { second.deadline.clear(); });
  queue_.set(first.deadline, at_ms(10));
  queue_.set(second.deadline, at_ms(10));
  queue_.fire_due(at_ms(20));
  EXPECT_EQ(first.woken, 1);
  EXPECT_EQ(second.woken, 0);
}

TEST_F(DeadlineQueueTest, AWakeMayDestroyAnotherThatIsDueToo) {
  auto second = std::make_unique<Waiter>();
  Waiter first([&second] { second.reset(); });
  queue_.set(first.deadline, at_ms(10));
  queue_.set(second->deadline, at_ms(11));
  queue_.fire_due(at_ms(20));
  EXPECT_EQ(first.woken, 1);
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(DeadlineQueueTest, AWakeMaySetItsOwnDeadlineAgain) {
  Waiter waiter;
  waiter.then = [this, &waiter] { queue_.set(waiter.deadline, at_ms(10 * (waiter.woken + 1))); };
  queue_.set(waiter.deadline, at_ms(10));
  queue_.fire_due(at_ms(10));
  EXPECT_EQ(waiter.woken, 1);
  EXPECT_TRUE(waiter.deadline.pending());
  queue_.fire_due(at_ms(35));
  EXPECT_EQ(waiter.woken, 3);
}

TEST_F(DeadlineQueueTest, ADestroyedDeadlineIsGone) {
  {
    Waiter waiter;
    queue_.set(waiter.deadline, at_ms(10));
    EXPECT_EQ(queue_.size(), 1U);
  }
  EXPECT_EQ(queue_.size(), 0U);
  queue_.fire_due(at_ms(20));
}

TEST_F(DeadlineQueueTest, ADeadlineMayOutliveItsQueue) {
  Waiter waiter;
  {
    DeadlineQueue queue(context_.get_executor());
    queue.set(waiter.deadline, at_ms(10));
  }
  EXPECT_FALSE(waiter.deadline.pending());
  context_.poll();  // the timer's cancelled wait
  EXPECT_EQ(waiter.woken, 0);
}

// A re-armed timer leaves a cancelled wait for the loop to run: that is how re-arming shows from outside.
TEST_F(DeadlineQueueTest, OnlyAnEarlierDeadlineArmsTheTimerAgain) {
  Waiter a;
  Waiter b;
  Waiter c;
  queue_.set(a.deadline, at_ms(10));
  queue_.set(b.deadline, at_ms(20));
  queue_.set(b.deadline, at_ms(15));
  a.deadline.clear();
  queue_.set(a.deadline, at_ms(12));
  EXPECT_EQ(context_.poll(), 0U);
  queue_.set(c.deadline, at_ms(5));
  EXPECT_EQ(context_.poll(), 1U);
}

TEST_F(DeadlineQueueTest, TheTimerWakesEachNotBeforeItsTimeAndArmsItselfForTheNext) {
  std::list<Waiter> waiters;
  std::vector<TimePoint> asked;
  std::vector<TimePoint> woken(6);
  const TimePoint start = steady_now();
  for (int i = 0; i < 6; ++i) {
    TimePoint& noted = woken[static_cast<std::size_t>(i)];
    waiters.emplace_back([&noted] { noted = steady_now(); });
    asked.push_back(start + milliseconds((i * 5) % 7 * 4));
    queue_.set(waiters.back().deadline, asked.back());
  }
  waiters.front().deadline.clear();  // the one that the timer is armed for
  context_.run_for(std::chrono::seconds(5));
  EXPECT_EQ(waiters.front().woken, 0);
  auto waiter = std::next(waiters.begin());
  for (std::size_t i = 1; i < woken.size(); ++i, ++waiter) {
    EXPECT_EQ(waiter->woken, 1) << i;
    EXPECT_GE(woken[i], asked[i]) << i;
  }
}

// Any sequence of sets, clears and looks gives what a list that is searched from end to end gives.
RC_GTEST_PROP(DeadlineQueue, BehavesLikeAPlainList, ()) {
  asio::io_context context{1};
  DeadlineQueue queue(context.get_executor());
  constexpr std::size_t kCount = 8;
  std::array<Waiter, kCount> waiters;
  std::array<TimePoint, kCount> model;
  std::array<int, kCount> woken{};
  model.fill(kNever);
  const TimePoint far(hours(1'000'000));
  const int steps = *rc::gen::inRange(0, 100);
  for (int i = 0; i < steps; ++i) {
    const std::size_t which = *rc::gen::inRange<std::size_t>(0, kCount);
    const TimePoint at = far + milliseconds(*rc::gen::inRange(0, 50));
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        queue.set(waiters[which].deadline, at);
        model[which] = at;
        break;
      case 1:
        waiters[which].deadline.clear();
        model[which] = kNever;
        break;
      default:
        queue.fire_due(at);
        for (std::size_t k = 0; k < kCount; ++k) {
          if (model[k] > at) continue;
          ++woken[k];
          model[k] = kNever;
        }
    }
    RC_ASSERT(queue.size() == kCount - static_cast<std::size_t>(std::count(model.begin(), model.end(), kNever)));
    for (std::size_t k = 0; k < kCount; ++k) RC_ASSERT(waiters[k].woken == woken[k]);
  }
}

}  // namespace
}  // namespace quoll::net

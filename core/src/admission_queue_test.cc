#include "quoll/core/admission_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

struct Queue {
  explicit Queue(const AdmissionQueueOptions& options) : queue(options) {}
  AdmissionQueue::Offer offer(std::uint64_t tag, unsigned priority = 0, std::uint64_t client = 0) {
    return queue.offer(tag, {.arrived_at = clock.now(), .priority = priority, .client = client}, clock.now());
  }
  AdmissionQueue::Taken take() { return queue.take(clock.now()).value(); }
  // Something has been waiting for longer than the interval, and something still does.
  void press() {
    offer(9'000, 3);
    clock.advance(milliseconds(60));
    offer(9'001, 3);
    clock.advance(milliseconds(50));
    EXPECT_EQ(take().reason, ShedReason::too_old);
    EXPECT_EQ(queue.size(), 1U);
  }
  ManualClock clock;
  AdmissionQueue queue;
};

TEST(AdmissionQueue, IsFirstComeFirstServedWhileAllIsWell) {
  Queue waiting({});
  for (std::uint64_t tag = 0; tag < 5; ++tag) waiting.offer(tag);
  for (std::uint64_t tag = 0; tag < 5; ++tag) EXPECT_EQ(waiting.take().tag, tag);
  EXPECT_FALSE(waiting.queue.take(waiting.clock.now()));
}

TEST(AdmissionQueue, IsLastComeFirstServedUnderOverload) {
  Queue waiting({});
  waiting.press();
  for (std::uint64_t tag = 0; tag < 3; ++tag) waiting.offer(tag);
  EXPECT_TRUE(waiting.queue.overloaded(waiting.clock.now()));
  EXPECT_EQ(waiting.take().tag, 9'001U);  // shed: it is older than the target
  EXPECT_EQ(waiting.take().tag, 2U);
  EXPECT_EQ(waiting.take().tag, 1U);
}

TEST(AdmissionQueue, UnderOverloadShedsWhatWaitedOverTheTargetButForTheMostImportant) {
  Queue waiting({});
  waiting.press();
  waiting.offer(1, 0);
  waiting.offer(2, 1);
  waiting.offer(3, 2);
  waiting.clock.advance(milliseconds(6));
  EXPECT_EQ(waiting.take().tag, 9'001U);
  const auto least = waiting.take();
  EXPECT_EQ(least.tag, 3U);
  EXPECT_EQ(least.reason, ShedReason::overload);
  EXPECT_EQ(waiting.take().tag, 2U);
  const auto most = waiting.take();
  EXPECT_EQ(most.tag, 1U);
  EXPECT_EQ(most.reason, ShedReason::none);
}

TEST(AdmissionQueue, ServesTheMostImportantFirst) {
  Queue waiting({});
  waiting.offer(1, 3);
  waiting.offer(2, 1);
  waiting.offer(3, 7);  // counts as the last class
  waiting.offer(4, 0);
  std::vector<std::uint64_t> order;
  order.reserve(4);
  for (int i = 0; i < 4; ++i) order.push_back(waiting.take().tag);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{4, 2, 1, 3}));
}

TEST(AdmissionQueue, WhenFullTheOldestOfTheLeastImportantMakesRoom) {
  Queue waiting({.capacity = 3, .client_share = 1});
  waiting.offer(1, 2);
  waiting.offer(2, 3);
  waiting.offer(3, 3);
  const auto offer = waiting.offer(4, 1);
  EXPECT_TRUE(offer.ticket);
  EXPECT_EQ(offer.evicted, 2U);
  EXPECT_FALSE(waiting.offer(5, 3).ticket) << "nobody is less important";
  EXPECT_EQ(waiting.queue.size(), 3U);
}

TEST(AdmissionQueue, OneClientDoesNotFillIt) {
  Queue waiting({.capacity = 100});
  unsigned taken = 0;
  for (std::uint64_t tag = 0; tag < 200; ++tag) taken += waiting.offer(tag, 0, 77).ticket ? 1 : 0;
  EXPECT_EQ(taken, 51U);
  EXPECT_TRUE(waiting.offer(1000, 0, 78).ticket);
}

TEST(AdmissionQueue, ACancelledRequestIsNeverTaken) {
  Queue waiting({});
  const auto offer = waiting.offer(1);
  waiting.offer(2);
  EXPECT_TRUE(waiting.queue.cancel(*offer.ticket));
  EXPECT_FALSE(waiting.queue.cancel(*offer.ticket));
  EXPECT_EQ(waiting.take().tag, 2U);
}

TEST(AdmissionQueue, EveryoneLeavesExactlyOnce) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    Queue waiting({.capacity = 20});
    std::map<std::uint64_t, Ticket> inside;
    for (std::uint64_t tag = 0; tag < 1500; ++tag) {
      const auto offer = waiting.offer(tag, static_cast<unsigned>(rng.uniform_int(0, 5)), rng.uniform_int(0, 4));
      if (offer.evicted) RC_ASSERT(inside.erase(*offer.evicted) == 1U);
      if (offer.ticket) inside.emplace(tag, *offer.ticket);
      if (rng.chance(0.5)) waiting.clock.advance(milliseconds(rng.uniform_int(0, 15)));
      if (rng.chance(0.7)) {
        const auto taken = waiting.queue.take(waiting.clock.now());
        RC_ASSERT(taken.has_value() == !inside.empty());
        if (taken) RC_ASSERT(inside.erase(taken->tag) == 1U);
      } else if (!inside.empty() && rng.chance(0.3)) {
        RC_ASSERT(waiting.queue.cancel(inside.begin()->second));
        inside.erase(inside.begin());
      }
      RC_ASSERT(waiting.queue.size() == inside.size());
    }
  }));
}

TEST(AdmissionQueue, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(AdmissionQueueOptions{}.validate().empty());
  const AdmissionQueueOptions bad{
      .capacity = 0, .target = seconds(1), .interval = milliseconds(1), .priorities = 0, .client_share = 0};
  EXPECT_EQ(bad.validate().size(), 4U);
}

// The bug this guards against: a queue full of requests that nobody will serve refused those that somebody would.
TEST(AdmissionQueue, AFullQueueGivesThePlaceOfARequestThatIsTooOld) {
  Queue waiting({.capacity = 3});
  waiting.offer(1, 0);
  waiting.offer(2, 0);
  waiting.offer(3, 0);
  EXPECT_FALSE(waiting.offer(4, 0).ticket);
  waiting.clock.advance(milliseconds(101));
  const auto offer = waiting.offer(5, 3);
  EXPECT_TRUE(offer.ticket);
  EXPECT_EQ(offer.evicted, 1U);
}

// The bug this guards against: the front was taken for the oldest, whatever had arrived before it.
TEST(AdmissionQueue, ARequestOfferedLateIsJudgedByItsArrival) {
  Queue waiting({});
  waiting.press();
  waiting.offer(1, 0);
  (void)waiting.queue.offer(2, {.arrived_at = waiting.clock.now() - milliseconds(95)}, waiting.clock.now());
  waiting.clock.advance(milliseconds(6));
  EXPECT_EQ(waiting.take().tag, 9'001U);
  const auto late = waiting.take();
  EXPECT_EQ(late.tag, 2U) << "the last first";
  EXPECT_EQ(late.reason, ShedReason::too_old);
  EXPECT_EQ(late.delay, milliseconds(101));
}

TEST(AdmissionQueue, AClientsShareIsExact) {
  Queue waiting({.capacity = 100, .client_share = 0.57});
  for (std::uint64_t tag = 0; tag < 100; ++tag) waiting.offer(tag, 0, 5);
  EXPECT_EQ(waiting.queue.size(), 57U);
}

}  // namespace
}  // namespace quoll::core

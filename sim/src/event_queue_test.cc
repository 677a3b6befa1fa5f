#include "quoll/sim/event_queue.h"

#include <gtest/gtest.h>

#include "quoll/base/rng.h"

namespace quoll::sim {
namespace {

TimePoint at(int millis) {
  return TimePoint(std::chrono::milliseconds(millis));
}

TEST(EventQueue, GivesTheEarliestFirst) {
  EventQueue queue;
  queue.push(at(30), EventKind::sent, 3);
  queue.push(at(10), EventKind::tick, 1);
  queue.push(at(20), EventKind::retry, 2);
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(queue.pop().subject, 1U);
  EXPECT_EQ(queue.pop().subject, 2U);
  EXPECT_EQ(queue.pop().subject, 3U);
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, KeepsTheOrderOfEventsOfTheSameInstant) {
  EventQueue queue;
  for (std::uint32_t i = 0; i < 1000; ++i) queue.push(at(static_cast<int>(i % 3)), EventKind::sent, i);
  std::uint32_t seen = 0;
  for (std::uint32_t instant = 0; instant < 3; ++instant) {
    for (std::uint32_t i = instant; i < 1000; i += 3) {
      const Event event = queue.pop();
      ASSERT_EQ(event.at, at(static_cast<int>(instant)));
      ASSERT_EQ(event.subject, i);
      ++seen;
    }
  }
  EXPECT_EQ(seen, 1000U);
}

TEST(EventQueue, NeverGoesBackWhenEventsComeAndGo) {
  Rng rng(7);
  EventQueue queue;
  TimePoint now{};
  queue.push(now, EventKind::tick);
  for (int i = 0; i < 20'000 && !queue.empty(); ++i) {
    const Event event = queue.pop();
    ASSERT_GE(event.at, now);
    now = event.at;
    for (std::uint64_t more = rng.uniform_int(0, 2); more > 0 || queue.empty(); --more) {
      queue.push(now + Duration(static_cast<Duration::rep>(rng.uniform_int(0, 1'000'000))), EventKind::tick);
      if (more == 0) break;
    }
  }
}

}  // namespace
}  // namespace quoll::sim

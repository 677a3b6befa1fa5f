#include "quoll/core/bulkhead.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <deque>
#include <thread>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using testing::ManualClock;

TEST(TicketList, BehavesLikeDequesThatAnyoneMayLeave) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    TicketList list(12, 3);
    struct Entry {
      std::uint64_t tag;
      Ticket ticket;
    };
    std::array<std::deque<Entry>, 3> model;
    std::vector<Ticket> gone;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const auto lane = static_cast<unsigned>(rng.uniform_int(0, 2));
      auto& queue = model[lane];
      const std::uint64_t what = rng.uniform_int(0, 5);
      if (what <= 2) {
        const auto ticket = list.push_back({.tag = i}, lane);
        RC_ASSERT(ticket.has_value() == (model[0].size() + model[1].size() + model[2].size() < 12));
        if (ticket) queue.push_back({i, *ticket});
      } else if (queue.empty()) {
        RC_ASSERT(!list.pop_front(lane) && !list.pop_back(lane));
      } else if (what == 3) {
        RC_ASSERT(list.pop_front(lane)->tag == queue.front().tag);
        gone.push_back(queue.front().ticket);
        queue.pop_front();
      } else if (what == 4) {
        RC_ASSERT(list.pop_back(lane)->tag == queue.back().tag);
        gone.push_back(queue.back().ticket);
        queue.pop_back();
      } else {
        const auto at = static_cast<std::ptrdiff_t>(rng.uniform_int(0, queue.size() - 1));
        const Entry entry = queue[static_cast<std::size_t>(at)];
        RC_ASSERT(list.erase(entry.ticket)->tag == entry.tag);
        gone.push_back(entry.ticket);
        queue.erase(queue.begin() + at);
      }
      RC_ASSERT(list.size(lane) == queue.size());
      if (!gone.empty()) RC_ASSERT(!list.erase(gone[rng.uniform_int(0, gone.size() - 1)]));
    }
  }));
}

TEST(Bulkhead, HandsPlacesOutFirstComeFirstServed) {
  ManualClock clock;
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = 2});
  auto slot = bulkhead.try_acquire();
  ASSERT_TRUE(slot);
  EXPECT_TRUE(bulkhead.enqueue(11));
  EXPECT_TRUE(bulkhead.enqueue(12));
  EXPECT_FALSE(bulkhead.enqueue(13)) << "the queue is full";
  EXPECT_FALSE(bulkhead.next_ready(clock.now()));
  slot.reset();
  auto first = bulkhead.next_ready(clock.now());
  ASSERT_TRUE(first && first->slot);
  EXPECT_EQ(first->tag, 11U);
  EXPECT_FALSE(bulkhead.next_ready(clock.now()));
  first.reset();
  EXPECT_EQ(bulkhead.next_ready(clock.now())->tag, 12U);
}

TEST(Bulkhead, NobodyOvertakesThoseWhoWait) {
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = 2});
  auto slot = bulkhead.try_acquire();
  ASSERT_TRUE(bulkhead.enqueue(1));
  slot.reset();
  EXPECT_FALSE(bulkhead.try_acquire());
}

TEST(Bulkhead, AWaiterPastItsDeadlineGetsNoPlace) {
  ManualClock clock;
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = 2});
  auto slot = bulkhead.try_acquire();
  ASSERT_TRUE(bulkhead.enqueue(1, clock.now() + milliseconds(10)));
  ASSERT_TRUE(bulkhead.enqueue(2, clock.now() + milliseconds(100)));
  clock.advance(milliseconds(11));
  slot.reset();
  const auto expired = bulkhead.next_ready(clock.now());
  ASSERT_TRUE(expired);
  EXPECT_EQ(expired->tag, 1U);
  EXPECT_FALSE(expired->slot);
  const auto ready = bulkhead.next_ready(clock.now());
  ASSERT_TRUE(ready && ready->slot);
  EXPECT_EQ(ready->tag, 2U);
}

// The bug this guards against: only the first of the queue was looked at.
TEST(Bulkhead, WaitersPastTheirDeadlineBehindALiveOneAreHandedOut) {
  ManualClock clock;
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = 4});
  const auto slot = bulkhead.try_acquire();
  ASSERT_TRUE(bulkhead.enqueue(1));
  ASSERT_TRUE(bulkhead.enqueue(2, clock.now() + milliseconds(20)));
  ASSERT_TRUE(bulkhead.enqueue(3, clock.now() + milliseconds(50)));
  ASSERT_TRUE(bulkhead.enqueue(4, clock.now() + milliseconds(10)));
  clock.advance(milliseconds(30));
  EXPECT_FALSE(bulkhead.enqueue(5));
  for (const std::uint64_t tag : {4U, 2U}) {
    const auto ready = bulkhead.next_ready(clock.now());
    ASSERT_TRUE(ready);
    EXPECT_EQ(ready->tag, tag);
    EXPECT_FALSE(ready->slot);
  }
  EXPECT_FALSE(bulkhead.next_ready(clock.now()));
  EXPECT_EQ(bulkhead.waiting(), 2U);
  EXPECT_TRUE(bulkhead.enqueue(5)) << "there is room again";
}

TEST(Bulkhead, HandsOutExactlyThoseWhoseTimeIsOverAndServesTheOthersInOrder) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock(TimePoint(-std::chrono::minutes(1)));
    Bulkhead bulkhead({.max_in_flight = 2, .max_waiting = 7});
    struct Waiting {
      std::uint64_t tag;
      TimePoint deadline;
      Ticket ticket;
    };
    std::deque<Waiting> model;
    std::vector<Slot> held;
    for (std::uint64_t i = 0; i < 500; ++i) {
      clock.advance(milliseconds(rng.uniform_int(0, 10)));
      if (auto slot = bulkhead.try_acquire()) {
        held.push_back(std::move(*slot));
      } else {
        const TimePoint deadline =
            rng.chance(0.3) ? TimePoint::max() : clock.now() + milliseconds(rng.uniform_int(0, 100));
        const auto ticket = bulkhead.enqueue(i, deadline);
        RC_ASSERT(ticket.has_value() == (model.size() < 7));
        if (ticket) model.push_back({i, deadline, *ticket});
      }
      if (rng.chance(0.1) && !model.empty()) {
        const auto at = static_cast<std::ptrdiff_t>(rng.uniform_int(0, model.size() - 1));
        RC_ASSERT(bulkhead.cancel(model[static_cast<std::size_t>(at)].ticket));
        model.erase(model.begin() + at);
      }
      if (rng.chance(0.3) && !held.empty()) held.pop_back();
      while (auto ready = bulkhead.next_ready(clock.now())) {
        const auto found =
            std::find_if(model.begin(), model.end(), [&](const Waiting& each) { return each.tag == ready->tag; });
        RC_ASSERT(found != model.end());
        RC_ASSERT(ready->slot.has_value() == (found->deadline >= clock.now()));
        if (ready->slot) {
          RC_ASSERT(found == model.begin());
          held.push_back(std::move(*ready->slot));
        }
        model.erase(found);
      }
      RC_ASSERT(bulkhead.waiting() == model.size());
      for (const Waiting& each : model) RC_ASSERT(each.deadline >= clock.now());
    }
  }));
}

TEST(Bulkhead, WhoLeavesTheQueueGivesUpThePlaceInIt) {
  ManualClock clock;
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = 1});
  auto slot = bulkhead.try_acquire();
  const auto ticket = bulkhead.enqueue(1);
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(bulkhead.cancel(*ticket));
  EXPECT_FALSE(bulkhead.cancel(*ticket));
  EXPECT_TRUE(bulkhead.enqueue(2));
  slot.reset();
  EXPECT_EQ(bulkhead.next_ready(clock.now())->tag, 2U);
}

TEST(Bulkhead, NeverExceedsItsBoundsAndLosesNobody) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    ManualClock clock;
    Bulkhead bulkhead({.max_in_flight = 3, .max_waiting = 5});
    std::vector<Slot> held;
    std::uint64_t next = 0;
    std::uint64_t served = 0;
    for (int i = 0; i < 1000; ++i) {
      if (rng.chance(0.6)) {
        if (auto slot = bulkhead.try_acquire(static_cast<unsigned>(i))) {
          held.push_back(std::move(*slot));
        } else if (bulkhead.enqueue(next)) {
          ++next;
        }
      } else if (!held.empty()) {
        held.pop_back();
      }
      while (auto ready = bulkhead.next_ready(clock.now())) {
        RC_ASSERT(ready->tag == served++);
        held.push_back(std::move(*ready->slot));
      }
      RC_ASSERT(held.size() <= 3U);
      RC_ASSERT(bulkhead.waiting() <= 5U);
      RC_ASSERT(bulkhead.waiting() == 0U || held.size() == 3U);
    }
    RC_ASSERT(next == served + bulkhead.waiting());
  }));
}

// The bug this guards against: a place becomes free between "none free" and "I wait", and nobody is told.
TEST(Bulkhead, NobodyWaitsForEverWhileThreadsComeAndGo) {
  constexpr unsigned kThreads = 3;
  constexpr int kCalls = 5'000;
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = kThreads});
  const TimePoint now = ManualClock().now();
  std::array<std::atomic<bool>, kThreads> woken{};
  std::array<std::optional<Slot>, kThreads> given;
  auto hand_out = [&] {
    while (auto ready = bulkhead.next_ready(now)) {
      given[ready->tag] = std::move(ready->slot);
      woken[ready->tag].store(true);
    }
  };
  std::atomic<unsigned> inside{0};
  auto work = [&](unsigned me) {
    for (int i = 0; i < kCalls; ++i) {
      auto slot = bulkhead.try_acquire(me);
      if (!slot) {
        ASSERT_TRUE(bulkhead.enqueue(me));
        hand_out();
        while (!woken[me].load()) std::this_thread::yield();
        woken[me] = false;
        slot = std::move(given[me]);
      }
      EXPECT_EQ(++inside, 1U);
      --inside;
      slot.reset();
      hand_out();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bulkhead.in_flight(), 0U);
  EXPECT_EQ(bulkhead.waiting(), 0U);
}

TEST(Bulkhead, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(BulkheadOptions{}.validate().empty());
  const BulkheadOptions bad{.max_in_flight = 0, .max_waiting = 1'000'000};
  EXPECT_EQ(bad.validate().size(), 2U);
}

}  // namespace
}  // namespace quoll::core
